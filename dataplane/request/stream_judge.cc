#include "dataplane/request/stream_judge.h"

#include "dataplane/http/body_scan.h"

namespace chain429 {

StreamJudge::Ruling StreamJudge::Judge(const SseScan::Event& event, std::string_view event_text, absl::Time wall_now,
                                       ReadingList& readings) {
  if (!event.has_data) return content_seen_ ? Ruling::kForward : Ruling::kDrop;
  std::string_view data = event.data;
  if (event.multi_line) {
    JoinData(event_text, joined_);
    joined_.reserve(joined_.size() + kScanPadding);
    data = joined_;
  }
  if (data == "[DONE]") {
    if (!content_seen_) return Ruling::kEmpty;
    done_seen_ = done_shown_ = true;
    return Ruling::kDone;
  }
  const bool named_error = event.name == "error";
  if (content_seen_ && !named_error && !MayMatter(data)) return Ruling::kForward;
  return JudgeJson(data, named_error, wall_now, readings);
}

StreamJudge::Ruling StreamJudge::JudgeJson(std::string_view data, bool named_error, absl::Time wall_now,
                                           ReadingList& readings) {
  const AnswerFacts facts = scanner_.Scan(data);
  if (facts.error || named_error) {
    verdict_ = rules_.ClassifyEvent(data, named_error, wall_now, readings);
    if (verdict_.error_class != ErrorClass::kOk) return Ruling::kFailed;
  }
  if (facts.usage.seen) usage_ = facts.usage;
  finish_seen_ = finish_seen_ || facts.finish_reason;
  const bool content = facts.content || facts.finish_reason;
  if (facts.usage_only && hide_usage_) return Ruling::kDrop;
  if (content_seen_) return Ruling::kForward;
  if (!content) return Ruling::kHold;
  content_seen_ = true;
  return Ruling::kForward;
}

}  // namespace chain429
