#include "tests/sim/stream_faults.h"

namespace chain429::sim {
namespace {

using Kind = StreamEvent::Kind;

void AddComments(const AnswerSpec& spec, Style style, const FaultSpec& fault, std::vector<StreamEvent>* events) {
  std::string newline = spec.crlf ? "\r\n" : "\n";
  std::string usual = style == Style::kOpenRouter ? "OPENROUTER PROCESSING" : "keep-alive";
  StreamEvent comment{Kind::kComment, ": " + fault.body.value_or(usual) + newline + newline};
  comment.pause = fault.pause;
  events->insert(events->begin(), static_cast<size_t>(fault.count), comment);
}

void EndWithError(const AnswerSpec& spec, const FaultSpec& fault, std::vector<StreamEvent>* events) {
  // With no chunk before it, the error is the very first event.
  events->resize(fault.after_chunks == 0 ? 0 : StrikePosition(*events, CutAt::kStream, fault.after_chunks));
  events->push_back({Kind::kError, EventText(spec, fault.event ? "error" : "", fault.body.value_or(kErrorIn200))});
  if (fault.done) events->push_back({Kind::kDone, EventText(spec, "", "[DONE]")});
}

void EditForWhole(const AnswerSpec& spec, Style style, const FaultSpec& fault, std::vector<StreamEvent>* events) {
  switch (fault.kind) {
    case FaultKind::kEmptyStream:
      events->clear();
      break;
    case FaultKind::kOnlyDone:
      events->erase(events->begin(), events->end() - 1);
      break;
    case FaultKind::kOnlyComments:
      events->clear();
      AddComments(spec, style, fault, events);
      break;
    case FaultKind::kRoleOnly:
      events->resize(1);
      break;
    case FaultKind::kNoDone:
      std::erase_if(*events, [&fault](const StreamEvent& event) {
        bool finish = event.kind == Kind::kFinish || event.kind == Kind::kUsage;
        return event.kind == Kind::kDone || (finish && !fault.finish);
      });
      break;
    case FaultKind::kErrorIn200:
      EndWithError(spec, fault, events);
      break;
    default:
      break;
  }
}

}  // namespace

void EditEvents(const AnswerSpec& spec, Style style, const ChosenFaults& faults, std::vector<StreamEvent>* events) {
  if (faults.whole) EditForWhole(spec, style, *faults.whole, events);
  if (const FaultSpec* comments = faults.Modifier(FaultKind::kComments)) AddComments(spec, style, *comments, events);
}

size_t StrikePosition(const std::vector<StreamEvent>& events, CutAt at, int64_t after_chunks) {
  if (at == CutAt::kHead) return 0;
  int64_t chunks = at == CutAt::kContent ? 0 : after_chunks;
  for (size_t i = 0; i < events.size(); ++i) {
    bool before_content = events[i].kind == Kind::kRole || events[i].kind == Kind::kComment;
    if (!before_content && chunks == 0) return i;
    if (events[i].kind == Kind::kContent) --chunks;
  }
  return events.size();
}

}  // namespace chain429::sim
