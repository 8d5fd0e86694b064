#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace chain429 {

// W3C Trace Context, level 1: what the caller's trace is called, and whether it is recorded.
struct TraceParent {
  std::string_view trace_id;   // 32 lower-case hexadecimal digits, not all 0
  std::string_view parent_id;  // 16 of them
  bool sampled = false;
};

// A `traceparent` field's value; nothing if it breaks the standard's rules, for then the trace is to be started anew,
// or as here not at all. Of later versions the part that version 00 knows is read.
std::optional<TraceParent> ParseTraceparent(std::string_view value);

// The value for the next hop. `span` is this hop's own id; 0, which is none, becomes 1.
std::string FormatTraceparent(std::string_view trace_id, uint64_t span, bool sampled);

}  // namespace chain429
