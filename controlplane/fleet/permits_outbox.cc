#include "controlplane/fleet/permits_outbox.h"

#include "common/wire/fleet_wire.h"

namespace chain429 {

bool PermitsOutbox::Take(v1::PermitsDown* out) {
  if (empty()) return false;
  greet_ = false;
  for (size_t n = 0; n < kPerMessage && !states_.empty(); ++n) {
    wire::Encode(states_.begin()->second, out->add_pools());
    states_.erase(states_.begin());
  }
  for (size_t n = 0; n < kPerMessage && !answers_.empty(); ++n) {
    wire::Encode(answers_.front(), out->add_answers());
    answers_.pop_front();
  }
  return true;
}

}  // namespace chain429
