#include "dataplane/permits/permit_book.h"

#include <utility>

namespace chain429 {
namespace {

// An index to use: a freed one, or a new one at the end.
template <typename T>
uint32_t Claim(std::vector<T>& records, std::vector<uint32_t>& free) {
  if (free.empty()) {
    records.emplace_back();
    return static_cast<uint32_t>(records.size() - 1);
  }
  const uint32_t index = free.back();
  free.pop_back();
  return index;
}

}  // namespace

uint32_t PermitBook::TargetIndex(TargetId id) {
  const auto it = target_index_.find(id);
  if (it != target_index_.end()) return it->second;
  const uint32_t index = Claim(targets_, free_targets_);
  targets_[index] = TargetRecord{};
  targets_[index].id = id;
  target_index_.emplace(id, index);
  return index;
}

void PermitBook::ForgetIdleTargets(MonoTime before) {
  for (uint32_t i = 0; i < targets_.size(); ++i) {
    TargetRecord& target = targets_[i];
    if (!target.id || target.records > 0 || target.dirty || target.spares_asked > 0 || target.refill ||
        target.last_used >= before)
      continue;
    target_index_.erase(target.id);
    target = TargetRecord{};
    free_targets_.push_back(i);
  }
}

uint32_t PermitBook::PermitIndex(PermitId id, uint32_t target) {
  const auto it = permit_index_.find(id);
  if (it != permit_index_.end()) return it->second;
  const uint32_t index = Claim(permits_, free_permits_);
  DeskPermit& record = permits_[index];
  record.id = id;
  record.target = target;
  record.in_use = true;
  ++targets_[target].records;
  permit_index_.emplace(id, index);
  return index;
}

void PermitBook::FreeIfDone(uint32_t index) {
  DeskPermit& record = permits_[index];
  if (!record.in_use || record.unused > 0 || record.open > 0 || record.sent > 0 || record.released > 0 || record.dirty)
    return;
  --targets_[record.target].records;
  permit_index_.erase(record.id);
  record = DeskPermit{};
  free_permits_.push_back(index);
}

}  // namespace chain429
