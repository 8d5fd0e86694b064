#include "dataplane/http/sse_scan.h"

#include <algorithm>
#include <cstring>

namespace chain429 {
namespace {

// A line's field name and value: one space behind the colon does not belong to the value.
struct Field {
  std::string_view name;
  size_t value_at = 0;
};

Field SplitField(std::string_view line) {
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos) return {line, line.size()};
  const size_t at = colon + 1;
  return {line.substr(0, colon), at + (at < line.size() && line[at] == ' ' ? 1 : 0)};
}

}  // namespace

void SseScan::Rebase(size_t bytes) {
  begin_ -= bytes;
  line_ -= bytes;
  scanned_ -= bytes;
  lf_ -= bytes;
  data_begin_ -= bytes;
  data_end_ -= bytes;
  name_begin_ -= bytes;
  name_end_ -= bytes;
}

// False: too little has come to tell.
bool SseScan::SkipMark(std::string_view payload) {
  constexpr std::string_view kMark = "\xEF\xBB\xBF";
  if (payload.size() < kMark.size() && kMark.starts_with(payload)) return false;
  started_ = true;
  if (payload.starts_with(kMark)) begin_ = line_ = scanned_ = lf_ = kMark.size();
  return true;
}

bool SseScan::Next(std::string_view payload, Event& event) {
  if (!started_ && !SkipMark(payload)) return false;
  while (scanned_ < payload.size()) {
    // LF is what everybody sends: one memchr finds it; a lone CR before it is looked for in the same stretch.
    lf_ = std::min(payload.find('\n', lf_), payload.size());
    const auto* cr = static_cast<const char*>(std::memchr(payload.data() + scanned_, '\r', lf_ - scanned_));
    size_t line_end = 0;
    size_t next_line = 0;
    if (cr != nullptr) {
      line_end = static_cast<size_t>(cr - payload.data());
      if (line_end + 1 == payload.size()) return false;  // a LF may follow
      next_line = payload[line_end + 1] == '\n' ? line_end + 2 : line_end + 1;
    } else if (lf_ < payload.size()) {
      line_end = lf_;
      next_line = line_end + 1;
    } else {
      scanned_ = payload.size();
      return false;
    }
    const std::string_view line = payload.substr(line_, line_end - line_);
    const size_t line_at = line_;
    line_ = next_line;
    scanned_ = next_line;
    lf_ = std::max(lf_, next_line);
    if (!line.empty()) {
      const Field field = SplitField(line);
      if (field.name == "data") {
        ++data_lines_;
        data_begin_ = line_at + field.value_at;
        data_end_ = line_end;
      } else if (field.name == "event") {
        name_begin_ = line_at + field.value_at;
        name_end_ = line_end;
      }
      continue;
    }
    event.begin = begin_;
    event.end = next_line;
    event.has_data = data_lines_ > 0;
    event.multi_line = data_lines_ > 1;
    event.data = event.has_data ? payload.substr(data_begin_, data_end_ - data_begin_) : std::string_view{};
    event.name = name_end_ > name_begin_ ? payload.substr(name_begin_, name_end_ - name_begin_) : std::string_view{};
    begin_ = next_line;
    data_begin_ = data_end_ = name_begin_ = name_end_ = next_line;
    data_lines_ = 0;
    return true;
  }
  return false;
}

void JoinData(std::string_view event, std::string& out) {
  out.clear();
  bool first = true;
  while (!event.empty()) {
    const size_t end = event.find_first_of("\r\n");
    const std::string_view line = event.substr(0, end);
    if (const Field field = SplitField(line); field.name == "data") {
      if (!first) out.push_back('\n');
      out.append(line.substr(field.value_at));
      first = false;
    }
    if (end == std::string_view::npos) break;
    event.remove_prefix(end + (event.substr(end).starts_with("\r\n") ? 2 : 1));
  }
}

}  // namespace chain429
