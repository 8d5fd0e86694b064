#include "dataplane/http/sse_scan.h"

#include <optional>
#include <vector>

#include "tests/fuzz/fuzz.h"
#include "tests/support/hostile_bytes.h"

namespace chain429::fuzz {
namespace {

struct Seen {
  std::string text;
  bool has_data = false;
  bool multi_line = false;
  std::string data;  // joined
  std::string name;
  friend bool operator==(const Seen&, const Seen&) = default;
};

// Everything that the scan finds when `bytes` come in pieces, behind what stays in the buffer. `drop`: whether what was
// read is taken out of the buffer after a piece.
template <typename NextPiece, typename Drop>
std::vector<Seen> Scan(std::string_view bytes, NextPiece next_piece, Drop drop) {
  SseScan scan;
  std::vector<Seen> events;
  std::string buffer;
  size_t last_end = 0;
  while (!bytes.empty()) {
    const size_t size = std::min<size_t>(next_piece(), bytes.size());
    buffer.append(bytes.substr(0, size));
    bytes.remove_prefix(size);
    const ExactBytes payload(buffer);
    SseScan::Event event;
    while (scan.Next(payload.view(), event)) {
      FUZZ_ASSERT(event.begin < event.end && event.end <= buffer.size() && event.end == scan.begin());
      FUZZ_ASSERT(event.begin == last_end || (events.empty() && event.begin == 3));
      last_end = event.end;
      Seen seen;
      seen.text = payload.view().substr(event.begin, event.end - event.begin);
      seen.has_data = event.has_data;
      seen.multi_line = event.multi_line;
      seen.name = event.name;
      JoinData(seen.text, seen.data);
      if (!event.has_data) FUZZ_ASSERT(event.data.empty() && seen.data.empty() && !event.multi_line);
      if (event.has_data && !event.multi_line) FUZZ_ASSERT(event.data == seen.data);
      events.push_back(std::move(seen));
    }
    if (drop() && scan.begin() > 0 && !events.empty()) {
      const size_t bytes_read = scan.begin();
      buffer.erase(0, bytes_read);
      scan.Rebase(bytes_read);
      last_end = 0;
      FUZZ_ASSERT(scan.begin() == 0);
    }
  }
  return events;
}

// The standard's reading, line by line over the whole text. A CR at the very end may be half a CRLF and ends nothing.
std::vector<Seen> Reference(std::string_view bytes) {
  std::vector<Seen> events;
  if (bytes.starts_with("\xEF\xBB\xBF")) bytes.remove_prefix(3);
  Seen seen;
  size_t data_lines = 0;
  std::optional<std::string> name;
  while (!bytes.empty()) {
    const size_t end = bytes.find_first_of("\r\n");
    if (end == std::string_view::npos || (bytes[end] == '\r' && end + 1 == bytes.size())) break;
    const size_t next = bytes.substr(end).starts_with("\r\n") ? end + 2 : end + 1;
    const std::string_view line = bytes.substr(0, end);
    seen.text.append(bytes.substr(0, next));
    bytes.remove_prefix(next);
    if (line.empty()) {
      seen.has_data = data_lines > 0;
      seen.multi_line = data_lines > 1;
      seen.name = name.value_or("");
      events.push_back(std::move(seen));
      seen = Seen();
      data_lines = 0;
      name.reset();
      continue;
    }
    const size_t colon = std::min(line.find(':'), line.size());
    std::string_view value = line.substr(std::min(line.size(), colon + 1));
    if (value.starts_with(' ')) value.remove_prefix(1);
    if (line.substr(0, colon) == "data") {
      if (data_lines++ > 0) seen.data.push_back('\n');
      seen.data.append(value);
    } else if (line.substr(0, colon) == "event") {
      name = value;
    }
  }
  return events;
}

void CheckOneInput(std::string_view bytes) {
  const auto never = [] { return false; };
  const auto always = [] { return true; };
  const std::vector<Seen> whole = Scan(bytes, [&] { return bytes.size(); }, never);
  FUZZ_ASSERT(whole == Reference(bytes));
  constexpr size_t kByteByByteUpTo = 2000;
  if (bytes.size() <= kByteByByteUpTo) {
    FUZZ_ASSERT(Scan(bytes, [] { return size_t{1}; }, never) == whole);
    FUZZ_ASSERT(Scan(bytes, [] { return size_t{1}; }, always) == whole);
  }
  Random choices = ChoicesFor(bytes);
  for (const uint64_t most : {uint64_t{4}, uint64_t{40}, 1 + bytes.size()}) {
    const auto piece = [&] { return static_cast<size_t>(1 + choices.Below(most + bytes.size() / 100)); };
    FUZZ_ASSERT(Scan(bytes, piece, [&] { return choices.Below(2) == 0; }) == whole);
  }
}

}  // namespace
}  // namespace chain429::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  chain429::fuzz::CheckOneInput(chain429::fuzz::Text(data, size));
  return 0;
}
