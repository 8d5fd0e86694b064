#include "dataplane/admission.h"

#include <cstdint>

namespace chain429 {
namespace {

// Handing a connection on costs a wake-up of the other worker: among many it is not worth it for a small difference.
bool ClearlyMore(size_t mine, size_t least) { return mine > least + least / 8; }

}  // namespace

Admission::Admission(size_t workers, size_t max_connections) : max_connections_(max_connections), places_(workers) {}

std::optional<size_t> Admission::Admit(size_t worker) {
  size_t all = 0;
  size_t emptiest = worker;
  size_t least = SIZE_MAX;
  for (size_t i = 0; i < places_.size(); ++i) {
    const size_t open = places_[i].open.load(std::memory_order_relaxed);
    all += open;
    if (open < least) {
      least = open;
      emptiest = i;
    }
  }
  if (all >= max_connections_) return std::nullopt;
  const size_t mine = places_[worker].open.load(std::memory_order_relaxed);
  const size_t chosen = ClearlyMore(mine, least) ? emptiest : worker;
  places_[chosen].open.fetch_add(1, std::memory_order_relaxed);
  return chosen;
}

void Admission::Leave(size_t worker) { places_[worker].open.fetch_sub(1, std::memory_order_relaxed); }

}  // namespace chain429
