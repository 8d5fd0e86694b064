#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace chain429 {

// Finds whole server-sent events in a growing stretch of payload. Lines end in LF, CRLF or CR; an event ends with a
// blank line. A byte order mark at the stream's start belongs to no event. The scan looks at each byte once, however
// the bytes were cut.
class SseScan {
 public:
  struct Event {
    size_t begin = 0;  // offsets into the payload given to Next
    size_t end = 0;    // behind the blank line
    bool has_data = false;       // false: comments or other fields only
    bool multi_line = false;     // several data lines: JoinData puts them together
    std::string_view data;       // the only data line's value
    std::string_view name;       // of an `event:` line, else empty
  };

  // The next whole event in `payload`, whose first byte is where the last event ended (or where Rebase left it). False:
  // none yet.
  bool Next(std::string_view payload, Event& event);
  // The first `bytes` of the payload were dropped by the caller.
  void Rebase(size_t bytes);
  size_t begin() const { return begin_; }

 private:
  bool SkipMark(std::string_view payload);

  bool started_ = false;  // the stream's first bytes were looked at for a mark
  size_t begin_ = 0;  // of the event under way
  size_t line_ = 0;  // begin of the line under way
  size_t scanned_ = 0;  // no line end before here
  size_t lf_ = 0;  // no LF from scanned_ to here
  // Of the event under way, as offsets, since the buffer may move between calls.
  size_t data_begin_ = 0;
  size_t data_end_ = 0;
  size_t name_begin_ = 0;
  size_t name_end_ = 0;
  uint32_t data_lines_ = 0;
};

// The data of an event with several data lines, joined with LF as the standard says. `event` is the event's whole text.
void JoinData(std::string_view event, std::string& out);

}  // namespace chain429
