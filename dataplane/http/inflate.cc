#include "dataplane/http/inflate.h"

#include <zlib.h>

#include <algorithm>
#include <memory>

#include "common/base/text.h"
#include "dataplane/http/body_scan.h"

namespace chain429 {
namespace {

// What inflateInit2 calls windowBits: 15 is the largest window, 16 more expects gzip's wrapping, a negative one none.
constexpr int kGzip = 15 + 16;
constexpr int kZlib = 15;
constexpr int kRaw = -15;

std::optional<std::string> InflateAs(int window_bits, std::string_view data, size_t limit) {
  z_stream stream{};
  if (inflateInit2(&stream, window_bits) != Z_OK) return std::nullopt;
  const std::unique_ptr<z_stream, int (*)(z_stream*)> owner(&stream, inflateEnd);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(data.data()));
  stream.avail_in = static_cast<uInt>(data.size());
  std::string out(std::min(limit, std::max<size_t>(4096, data.size() * 4)), '\0');
  int state = Z_OK;
  while (state == Z_OK) {
    if (stream.total_out == out.size()) {
      if (out.size() >= limit) return std::nullopt;
      out.resize(std::min(limit, out.size() * 2));
    }
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + stream.total_out);
    stream.avail_out = static_cast<uInt>(out.size() - stream.total_out);
    // Z_BUF_ERROR: all was read, and the end has not come.
    state = inflate(&stream, Z_NO_FLUSH);
  }
  if (state != Z_STREAM_END || stream.avail_in != 0) return std::nullopt;
  out.resize(stream.total_out);
  out.reserve(out.size() + kScanPadding);
  return out;
}

}  // namespace

std::optional<std::string> Inflate(std::string_view coding, std::string_view data, size_t limit) {
  if (data.size() > limit) return std::nullopt;
  if (EqualsIgnoreCase(coding, "gzip") || EqualsIgnoreCase(coding, "x-gzip")) return InflateAs(kGzip, data, limit);
  if (!EqualsIgnoreCase(coding, "deflate")) return std::nullopt;
  std::optional<std::string> text = InflateAs(kZlib, data, limit);
  return text ? std::move(text) : InflateAs(kRaw, data, limit);
}

}  // namespace chain429
