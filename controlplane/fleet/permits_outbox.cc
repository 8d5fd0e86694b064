#include "controlplane/fleet/permits_outbox.h"

#include "common/wire/fleet_wire.h"

namespace chain429 {

bool PermitsOutbox::Take(v1::PermitsDown* out) {
  if (empty()) return false;
  greet_ = false;
  size_t parts = 0;
  for (; parts < kPerMessage && !states_.empty(); ++parts) {
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
