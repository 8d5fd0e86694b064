#pragma once

#include <string>
#include <string_view>

#include "common/model/settlement.h"
#include "common/provider/rules.h"
#include "dataplane/http/answer_scan.h"
#include "dataplane/http/sse_scan.h"

namespace chain429 {

// What the events of a stream mean for the client: what is held, what is shown, what ends it. No I/O.
class StreamJudge {
 public:
  enum class Ruling : uint8_t {
    kHold,     // before the first content: keep it back
    kDrop,     // not for the client
    kForward,  // show it; the first kForward is the first content and releases what is held
    kDone,     // show it; it is [DONE], and nothing behind it counts
    kFailed,   // the provider reports an error: verdict()
    kEmpty,    // [DONE] without any content
  };

  // `hide_usage`: we asked for the usage chunk, the client did not.
  StreamJudge(AnswerScanner& scanner, const ProviderRules& rules, bool hide_usage)
      : scanner_(scanner), rules_(rules), hide_usage_(hide_usage) {}

  // `event_text` is the event's whole text, followed by kScanPadding readable bytes.
  Ruling Judge(const SseScan::Event& event, std::string_view event_text, absl::Time wall_now, ReadingList& readings);

  bool content_seen() const { return content_seen_; }
  // The provider said that the answer is whole: by [DONE], or by a finish_reason.
  bool complete() const { return done_seen_ || finish_seen_; }
  bool done_seen() const { return done_seen_; }
  bool done_shown() const { return done_shown_; }  // as an event that was forwarded
  // [DONE] stood at the very end, without the blank line that makes it an event.
  void NoteDone() { done_seen_ = true; }
  const Usage& usage() const { return usage_; }
  const Verdict& verdict() const { return verdict_; }

 private:
  Ruling JudgeJson(std::string_view data, bool named_error, absl::Time wall_now, ReadingList& readings);

  AnswerScanner& scanner_;
  const ProviderRules& rules_;
  const bool hide_usage_;
  bool content_seen_ = false;
  bool finish_seen_ = false;
  bool done_seen_ = false;
  bool done_shown_ = false;
  Usage usage_;
  Verdict verdict_;
  std::string joined_;
};

}  // namespace chain429
