#include "common/limits/model_split.h"

#include <algorithm>

namespace chain429 {
namespace {

constexpr size_t kMostStated = 16;
constexpr size_t kMostModels = 16;
constexpr int kTurns = 3;

}  // namespace

bool ModelSplit::Observe(TargetId target, const Reading& reading, MonoTime at) {
  auto stated = std::find_if(stated_.begin(), stated_.end(), [&](const Stated& one) {
    return one.unit == reading.unit && one.project == reading.project_scope && one.window == reading.window;
  });
  if (stated == stated_.end()) {
    if (stated_.size() >= kMostStated) return false;
    stated = stated_.insert(stated_.end(), Stated{});
    stated->unit = reading.unit;
    stated->project = reading.project_scope;
    stated->window = reading.window;
  }
  if (stated->apart || reading.limit <= 0 || at <= stated->newest) return stated->apart;
  stated->newest = at;
  auto model = std::find_if(stated->models.begin(), stated->models.end(),
                            [&](const Model& one) { return one.target == target; });
  if (model == stated->models.end()) {
    if (stated->models.size() >= kMostModels) stated->models.erase(stated->models.begin());
    model = stated->models.insert(stated->models.end(), Model{target, reading.limit, 0});
  } else if (model->amount != reading.limit) {
    *model = {target, reading.limit, 0};
  } else if (stated->last != target && stated->last_amount != reading.limit) {
    ++model->turns;
  }
  stated->last = target;
  stated->last_amount = reading.limit;
  stated->apart = std::any_of(stated->models.begin(), stated->models.end(), [&](const Model& other) {
    return other.amount != model->amount && std::min(other.turns, model->turns) >= kTurns;
  });
  return stated->apart;
}

bool ModelSplit::any() const {
  return std::any_of(stated_.begin(), stated_.end(), [](const Stated& one) { return one.apart; });
}

}  // namespace chain429
