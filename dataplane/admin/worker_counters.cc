#include "dataplane/admin/worker_counters.h"

namespace chain429 {

TargetTable::~TargetTable() {
  const Entry* entry = first_.load(std::memory_order_acquire);
  while (entry != nullptr) {
    const Entry* next = entry->next;
    delete entry;
    entry = next;
  }
}

TargetCounters& TargetTable::For(TargetId id, std::string_view name) {
  const auto found = by_id_.find(id.value());
  return found != by_id_.end() ? found->second->counters : Append(id, name);
}

TargetCounters& TargetTable::Append(TargetId id, std::string_view name) {
  if (by_id_.size() >= kMaxTargets && other_ != nullptr) return other_->counters;
  const bool last = by_id_.size() >= kMaxTargets;
  auto* entry = new Entry(last ? std::string("other") : std::string(name));
  entry->next = first_.load(std::memory_order_relaxed);
  if (last) {
    other_ = entry;
  } else {
    by_id_.emplace(id.value(), entry);
  }
  // Release: who sees the new head sees the entry whole.
  first_.store(entry, std::memory_order_release);
  return entry->counters;
}

}  // namespace chain429
