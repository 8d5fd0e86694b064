#include "controlplane/fleet/permits_outbox.h"

#include <utility>

#include "common/wire/fleet_wire.h"

namespace chain429 {

void PermitsOutbox::AddStates(const std::vector<PoolState>& states) {
  for (const PoolState& state : states) {
    PoolState& waiting = states_[state.pool];
    const bool tells_shares = waiting.pool && !waiting.numbers_only && state.numbers_only;
    std::vector<SafeShare> shares = std::move(waiting.shares);
    const bool kept = waiting.shares_kept;
    waiting = state;
    if (!tells_shares) continue;
    waiting.shares = std::move(shares);
    waiting.shares_kept = kept;
    waiting.numbers_only = false;
  }
}

bool PermitsOutbox::Take(v1::PermitsDown* out) {
  if (empty()) return false;
  greet_ = false;
  size_t parts = 0;
  for (; parts < kPerMessage && !states_.empty(); parts += kPartsOfState) {
    wire::Encode(states_.begin()->second, out->add_pools());
    states_.erase(states_.begin());
  }
  while (parts < kPerMessage && !answers_.empty()) {
    parts += 1 + answers_.front().denials.size();
    wire::Encode(answers_.front(), out->add_answers());
    answers_.pop_front();
  }
  return true;
}

}  // namespace chain429
