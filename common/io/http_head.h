#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace chain429 {

// What a request's head is refused with. `why` is for the person at the other end.
struct HeadRefusal {
  int status = 400;
  std::string_view why;
};

inline constexpr size_t kMaxHeadBytes = size_t{64} << 10;
inline constexpr size_t kMaxHeadFields = 128;
inline constexpr size_t kMaxTargetBytes = size_t{8} << 10;

// Where two readers of one byte stream could disagree about where a request ends, requests can be smuggled. So a head is refused
// unless it is plain: CRLF line ends, no folded lines, one Host, one way to say how long the body is. Beast's parser, which reads the head
// afterwards, is laxer (it unfolds lines, and takes repeated equal Content-Lengths).

// Looks at the bytes [from, end) that came since the last call, while the head's end has not come: refuses as early as it can, so that a
// TLS hello or an endless line is not waited for.
std::optional<HeadRefusal> CheckPartialHead(std::string_view bytes, size_t from);

// Looks at a whole head: `head` ends with the empty line.
std::optional<HeadRefusal> CheckHead(std::string_view head);

// A request target taken apart and percent-decoded. Of an absolute-form target only the path and query count; whether its authority
// is ours is CheckHead's matter. nullopt: a bad escape, or an escaped control character.
struct DecodedTarget {
  std::string path;
  std::vector<std::pair<std::string, std::string>> query;
};
std::optional<DecodedTarget> DecodeTarget(std::string_view target);

}  // namespace chain429
