#include "tests/sim/faults.h"

#include <array>

namespace chain429::sim {
namespace {

bool Matches(const FaultSpec& spec, const FaultSubject& subject) {
  if (!spec.model.empty() && spec.model != subject.model) return false;
  if (!spec.key.empty() && !subject.key.ends_with(spec.key)) return false;
  if (spec.stream && *spec.stream != subject.stream) return false;
  if (spec.reused && *spec.reused != subject.reused) return false;
  switch (spec.kind) {
    case FaultKind::kOnlyDone:
    case FaultKind::kOnlyComments:
    case FaultKind::kRoleOnly:
    case FaultKind::kNoDone:
    case FaultKind::kComments:
      return subject.stream;
    case FaultKind::kShortBody:
      return !subject.stream;
    default:
      return true;
  }
}

}  // namespace

bool IsModifier(FaultKind kind) { return kind >= FaultKind::kDrip; }

const FaultSpec* ChosenFaults::Modifier(FaultKind kind) const {
  for (const FaultSpec& spec : modifiers) {
    if (spec.kind == kind) return &spec;
  }
  return nullptr;
}

bool FaultPlan::Rule::Due(Random& random) {
  int64_t position = ++matched - spec.skip;  // 1 for the first that is not skipped
  if (position <= 0) return false;
  if (spec.next && fired >= *spec.next) return false;
  if (spec.every > 0 && position % spec.every != 0) return false;
  if (spec.probability && random.Uniform() >= *spec.probability) return false;
  ++fired;
  return true;
}

void FaultPlan::Replace(const std::vector<FaultSpec>& specs) {
  rules_.clear();
  Add(specs);
}

void FaultPlan::Add(const std::vector<FaultSpec>& specs) {
  for (const FaultSpec& spec : specs) rules_.push_back(Rule{spec});
}

void FaultPlan::Choose(const FaultSubject& subject, bool before_limits, Random& random, ChosenFaults* chosen) {
  for (Rule& rule : rules_) {
    if (rule.spec.before_limits != before_limits || !Matches(rule.spec, subject)) continue;
    // A whole fault that comes too late keeps its turn for the next request.
    if (!IsModifier(rule.spec.kind) && chosen->whole) continue;
    if (!rule.Due(random)) continue;
    if (IsModifier(rule.spec.kind)) {
      chosen->modifiers.push_back(rule.spec);
    } else {
      chosen->whole = rule.spec;
    }
  }
}

Json FaultPlan::Describe() const {
  Json list = Json::array();
  for (const Rule& rule : rules_) {
    Json item = {{"fault", FaultName(rule.spec.kind)}, {"matched", rule.matched}, {"fired", rule.fired}};
    if (rule.spec.next) item["left"] = *rule.spec.next - rule.fired;
    list.push_back(std::move(item));
  }
  return list;
}

}  // namespace chain429::sim
