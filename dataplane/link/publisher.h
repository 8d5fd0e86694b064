#pragma once

#include <memory>

#include "common/model/snapshot.h"

namespace chain429 {

// A worker's own owner of a snapshot: the reference count that its requests move belongs to that worker alone, so that
// no cache line travels between cores for each request.
inline std::shared_ptr<const Snapshot> OwnerForWorker(const std::shared_ptr<const Snapshot>& snapshot) {
  if (snapshot == nullptr) return nullptr;
  auto owner = std::make_shared<std::shared_ptr<const Snapshot>>(snapshot);
  return std::shared_ptr<const Snapshot>(owner, snapshot.get());
}

}  // namespace chain429
