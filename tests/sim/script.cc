#include "tests/sim/script.h"

#include <algorithm>
#include <optional>

namespace chain429::sim {

void Drip(const std::vector<int64_t>& sizes, absl::Duration pause, bool head_only, Script* script) {
  std::vector<Step> steps;
  size_t turn = 0;
  for (Step& step : script->steps) {
    if (step.kind != Step::Kind::kSend || (head_only && !step.head)) {
      steps.push_back(std::move(step));
      continue;
    }
    size_t begin = 0;
    while (begin < step.bytes.size()) {
      size_t size = static_cast<size_t>(sizes[turn++ % sizes.size()]);
      Step piece = SendStep(step.bytes.substr(begin, size));
      begin += piece.bytes.size();
      if (begin == step.bytes.size()) {
        piece.tokens = step.tokens;
        piece.content = step.content;
      }
      steps.push_back(std::move(piece));
      if (pause > absl::ZeroDuration()) steps.push_back(WaitStep(pause));
    }
  }
  script->steps = std::move(steps);
}

void Coalesce(Script* script) {
  std::vector<Step> steps;
  std::optional<Step> joined;
  for (Step& step : script->steps) {
    if (step.kind == Step::Kind::kSend) {
      if (joined) {
        joined->bytes += step.bytes;
        joined->tokens += step.tokens;
        joined->content |= step.content;
      } else {
        joined = std::move(step);
      }
    } else if (step.kind != Step::Kind::kWait || !joined) {
      if (joined) steps.push_back(*std::move(joined));
      joined.reset();
      steps.push_back(std::move(step));
    }
  }
  if (joined) steps.push_back(*std::move(joined));
  script->steps = std::move(steps);
}

}  // namespace chain429::sim
