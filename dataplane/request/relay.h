#pragma once

#include <string_view>
#include <utility>

#include "absl/container/inlined_vector.h"
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

  End TakeRaw();                      // takes the framing out of what has come
  bool JudgeEvents();                 // false: the stream ends here, well or not
  void Show(size_t begin, size_t end);
  void Commit();
  Task<bool> Flush(std::string_view tail, bool last);
  Task<bool> FinishWhole();
  Task<bool> FinishBroken(std::string_view why);
  void FailUnseen(End end);
  void TakeLastLine();                // [DONE] at the very end, without its blank line
  std::string_view payload() const { return upstream_.input().substr(0, payload_); }

  Attempt& attempt_;
  WorkerContext& worker_;
  Connection& upstream_;
  Responder& client_;
  StreamJudge judge_;
  SseScan scan_;
  size_t payload_ = 0;                // bytes of the input that are payload; raw bytes may stand behind
  uint64_t received_ = 0;             // payload bytes so far
  bool chunked_ = false;
  std::optional<uint64_t> length_;
  bool framing_done_ = false;
  bool committed_ = false;
  bool head_sent_ = false;
  bool failed_ = false;               // the provider reported an error, or [DONE] came without content
  StreamJudge::Ruling last_ruling_ = StreamJudge::Ruling::kHold;
  absl::InlinedVector<Range, 8> shown_;  // parts of the payload to be sent
};

}  // namespace chain429
