#include "controlplane/fleet/sync_outbox.h"

#include <algorithm>
#include <utility>

#include "common/wire/fleet_wire.h"

namespace chain429 {

void SyncOutbox::AddSnapshot(std::shared_ptr<const SnapshotBytes> snapshot) { waiting_ = std::move(snapshot); }

void SyncOutbox::AddStates(const std::vector<PoolState>& states) {
  for (const PoolState& state : states) states_[state.pool] = state;
}

bool SyncOutbox::Take(v1::SyncDown* out) {
  const bool snapshot_due = sending_ != nullptr || waiting_ != nullptr;
  if (!states_.empty() && (states_next_ || !snapshot_due)) {
    states_next_ = false;
    v1::PoolStates* pools = out->mutable_pools();
    for (size_t n = 0; n < kStatesPerMessage && !states_.empty(); ++n) {
      wire::Encode(states_.begin()->second, pools->add_pools());
      states_.erase(states_.begin());
    }
    return true;
  }
  states_next_ = true;
  if (!snapshot_due) return false;
  if (sending_ == nullptr) {
    sending_ = std::exchange(waiting_, nullptr);
    sent_bytes_ = 0;
    ++nonce_;
  }
  v1::SnapshotPiece* piece = out->mutable_snapshot();
  piece->set_nonce(nonce_);
  piece->set_version(sending_->version.value());
  const size_t size = std::min(kPieceBytes, sending_->bytes.size() - sent_bytes_);
  piece->set_data(sending_->bytes.data() + sent_bytes_, size);
  sent_bytes_ += size;
  if (sent_bytes_ == sending_->bytes.size()) {
    piece->set_last(true);
    sending_ = nullptr;
  }
  return true;
}

}  // namespace chain429
