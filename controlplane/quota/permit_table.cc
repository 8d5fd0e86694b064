#include "controlplane/quota/permit_table.h"

#include <algorithm>
#include <utility>

namespace chain429 {

PermitId PermitTable::Add(PermitRecord record, MonoTime expires) {
  const PermitId id(base_ | ++last_);
  Import(id, std::move(record), expires);
  return id;
}

void PermitTable::Import(PermitId id, PermitRecord record, MonoTime expires) {
  records_[id] = std::move(record);
  Queue(id, expires);
}

PermitRecord* PermitTable::Find(PermitId id) {
  const auto it = records_.find(id);
  return it == records_.end() ? nullptr : &it->second;
}

void PermitTable::EraseIfDone(PermitId id) {
  const auto it = records_.find(id);
  if (it == records_.end()) return;
  const PermitRecord& record = it->second;
  if (record.unused == 0 && record.open == 0 && record.returned == 0 && !record.kept) records_.erase(it);
}

void PermitTable::Queue(PermitId id, MonoTime at) {
  for (auto& queue : due_) {
    if (queue.empty() || queue.back().at <= at) {
      queue.push_back({at, id});
      return;
    }
  }
  // Out of order in every queue: rare enough to sort it in.
  auto& queue = due_[kQueues - 1];
  const auto place =
      std::upper_bound(queue.begin(), queue.end(), at, [](MonoTime t, const Due& due) { return t < due.at; });
  queue.insert(place, {at, id});
}

std::optional<PermitId> PermitTable::TakeExpired(MonoTime now) {
  for (auto& queue : due_) {
    while (!queue.empty() && queue.front().at <= now) {
      const PermitId id = queue.front().id;
      queue.pop_front();
      if (records_.contains(id)) return id;
    }
  }
  return std::nullopt;
}

MonoTime PermitTable::NextExpiry() const {
  MonoTime next = MonoTime::Max();
  for (const auto& queue : due_) {
    if (!queue.empty()) next = std::min(next, queue.front().at);
  }
  return next;
}

}  // namespace chain429
