#include "dataplane/link/usage_totals.h"

#include "absl/strings/str_cat.h"
#include "chain429/v1/fleet.pb.h"
#include "common/base/text.h"

namespace chain429 {
namespace {

// Clients can name models freely. Beyond this many targets (a report stays far below 1 MB) the rest is summed up as
// target 0, "other".
constexpr size_t kMaxTargets = 4096;
constexpr size_t kMaxName = 128;

}  // namespace

UsageTotals::Total& UsageTotals::Find(TargetId target) {
  if (totals_.size() < kMaxTargets || totals_.contains(target)) return totals_[target];
  Total& other = totals_[TargetId()];
  other.name = "other";
  return other;
}

void UsageTotals::Add(const Settlement& settlement) {
  if (!settlement.charged) return;
  Total& total = Find(settlement.target);
  total.attempts += settlement.count;
  if (settlement.error_class == ErrorClass::kOk) total.ok += settlement.count;
  if (settlement.error_class == ErrorClass::kRateLimited || settlement.error_class == ErrorClass::kQuotaExhausted) {
    total.rate_limited += settlement.count;
  }
  total.prompt_tokens += static_cast<uint64_t>(settlement.usage.prompt_tokens);
  total.completion_tokens += static_cast<uint64_t>(settlement.usage.completion_tokens);
  changed_ = true;
}

void UsageTotals::Name(TargetId target, const DynamicTarget& dynamic) {
  Total& total = Find(target);
  if (total.name.empty()) total.name = Truncate(absl::StrCat(dynamic.provider, "/", dynamic.model), kMaxName);
}

bool UsageTotals::TakeReport(const Snapshot* snapshot, v1::UsageReport* out) {
  if (!changed_) return false;
  changed_ = false;
  for (auto& [id, total] : totals_) {
    if (total.attempts == 0) continue;
    if (snapshot != nullptr && total.name.empty()) {
      const auto it = snapshot->target_by_id.find(id.value());
      if (it != snapshot->target_by_id.end()) total.name = snapshot->targets[it->second].name;
    }
    v1::TargetUsage* usage = out->add_targets();
    usage->set_target(id.value());
    usage->set_name(total.name);
    usage->set_attempts(total.attempts);
    usage->set_ok(total.ok);
    usage->set_rate_limited(total.rate_limited);
    usage->set_prompt_tokens(total.prompt_tokens);
    usage->set_completion_tokens(total.completion_tokens);
  }
  return true;
}

}  // namespace chain429
