#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace chain429 {

// The content behind a Content-Encoding of gzip, x-gzip or deflate (zlib's format, or raw as some servers send it).
// Nothing when the coding is unknown, the data is broken or cut, something stands behind its end, or the content is
// larger than `limit`. The text has kScanPadding (body_scan.h) readable bytes behind it.
std::optional<std::string> Inflate(std::string_view coding, std::string_view data, size_t limit);

}  // namespace chain429
