#include "dataplane/link/held_permits.h"

#include <algorithm>
#include <utility>

namespace chain429 {
namespace {

// Reports may come for a permit of an earlier leader, or more than once.
void Lower(uint32_t& count, uint32_t by) { count -= std::min(count, by); }

}  // namespace

void HeldPermits::OnGranted(const Permit& permit, std::vector<PoolId> pools) {
  if (!permit.id) return;
  wire::HeldPermit& held = held_[permit.id];
  held.permit = permit.id;
  held.target = permit.target;
  held.pools = std::move(pools);
  held.unused = permit.spares == UINT32_MAX ? UINT32_MAX : permit.spares + 1;
  held.tokens = permit.tokens;
}

void HeldPermits::OnSent(PermitId permit, uint32_t count) {
  const auto it = held_.find(permit);
  if (it == held_.end()) return;
  Lower(it->second.unused, count);
  it->second.open += count;
}

void HeldPermits::OnSettled(PermitId permit, uint32_t count, bool charged) {
  const auto it = held_.find(permit);
  if (it == held_.end()) return;
  Lower(charged ? it->second.open : it->second.unused, count);
  EraseIfEmpty(permit);
}

void HeldPermits::OnReleased(PermitId permit, uint32_t count) {
  const auto it = held_.find(permit);
  if (it == held_.end()) return;
  Lower(it->second.unused, count);
  EraseIfEmpty(permit);
}

void HeldPermits::ForgetUnused() {
  for (auto& [id, held] : held_) held.unused = 0;
  absl::erase_if(held_, [](const auto& item) { return item.second.open == 0; });
}

int64_t HeldPermits::TokensOf(PermitId permit) const {
  const auto it = held_.find(permit);
  return it == held_.end() ? 0 : it->second.tokens;
}

std::vector<wire::HeldPermit> HeldPermits::List() const {
  std::vector<wire::HeldPermit> list;
  list.reserve(held_.size());
  for (const auto& [id, held] : held_) list.push_back(held);
  std::sort(list.begin(), list.end(), [](const auto& a, const auto& b) { return a.permit < b.permit; });
  return list;
}

void HeldPermits::EraseIfEmpty(PermitId permit) {
  const auto it = held_.find(permit);
  if (it != held_.end() && it->second.unused == 0 && it->second.open == 0) held_.erase(it);
}

}  // namespace chain429
