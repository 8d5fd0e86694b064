#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "dataplane/http/inflate_stream.h"
#include "dataplane/http/sse_scan.h"
#include "dataplane/request/attempt.h"
#include "dataplane/request/stream_judge.h"

namespace chain429 {

// The streamed part of an attempt: server-sent events from the provider to the client, in the pieces in which they
// come. Nothing goes out before the first content; after it only whole events do, so that a break leaves the client
// with whole events and one error event.
class Relay {
 public:
  explicit Relay(Attempt& attempt);
  ~Relay();
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;
  Task<bool> Run();

 private:
  enum class End : uint8_t { kMore, kWhole, kBroken };
  struct Range {
    size_t begin;
    size_t end;
  };

  End TakeRaw();                      // makes text of what has come
  End Deframe();                      // takes the framing out of it
  bool JudgeEvents();                 // false: the stream ends here, well or not
  void Show(size_t begin, size_t end);
  void Commit();
  Task<bool> Flush(std::string_view tail, bool last);
  Task<bool> FinishWhole();
  Task<bool> FinishBroken(std::string_view why);
  void FailUnseen(End end);
  void TakeLastLine();                // [DONE] at the very end, without its blank line
  // The events, in the input itself unless they come compressed.
  std::string_view text() const {
    return inflate_ != nullptr ? std::string_view(text_) : upstream_.input().substr(0, payload_);
  }
  char* text_data() { return inflate_ != nullptr ? text_.data() : upstream_.input_data(); }
  void CutText(size_t offset, size_t from);  // `offset` is followed by what stood at `from`
  void DropText(size_t size);                // from its beginning

  Attempt& attempt_;
  WorkerContext& worker_;
  Connection& upstream_;
  Responder& client_;
  StreamJudge judge_;
  SseScan scan_;
  size_t payload_ = 0;                // bytes of the input that are payload; raw bytes may stand behind
  std::unique_ptr<InflateStream> inflate_;  // null: the payload is the text
  std::string text_;                  // inflated
  bool text_waits_ = false;           // more of it can be had from what has come
  uint64_t received_ = 0;             // payload bytes so far
  bool chunked_ = false;
  std::optional<uint64_t> length_;
  bool framing_done_ = false;
  bool committed_ = false;
  bool head_sent_ = false;
  bool failed_ = false;               // the provider reported an error, or [DONE] came without content
  absl::InlinedVector<Range, 8> shown_;  // parts of the payload to be sent
};

}  // namespace chain429
