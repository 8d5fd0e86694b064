#pragma once

#include <cstdint>
#include <vector>

#include "common/base/clock.h"
#include "common/base/ids.h"

namespace chain429 {

// Attempts of permits that a worker holds for one target and has not used yet, oldest first.
class Spares {
 public:
  struct Lot {
    uint32_t permit = 0;  // index of the permit's record at the desk
    uint32_t left = 0;
    uint32_t next_use = 0;
    int64_t tokens = 0;  // good for requests that guess no more of themselves; 0: for any, the pools count no tokens
    MonoTime expires;
  };

  void Add(const Lot& lot) {
    lots_.push_back(lot);
    left_ += lot.left;
    batch_ = left_;
  }
  // Is there a lot for a request that guesses `tokens` of itself?
  bool Fits(int64_t tokens, MonoTime now) const { return Find(tokens, now) < lots_.size(); }
  // Takes one attempt: {record, use}. REQUIRES: Fits.
  struct Taken {
    uint32_t permit = 0;
    uint32_t use = 0;
  };
  Taken Take(int64_t tokens, MonoTime now);
  // Hands back what has expired.
  template <typename GiveBack>
  void Expire(MonoTime now, GiveBack give_back) {
    for (size_t i = 0; i < lots_.size();) {
      if (lots_[i].expires <= now) {
        give_back(lots_[i]);
        left_ -= lots_[i].left;
        lots_.erase(lots_.begin() + static_cast<ptrdiff_t>(i));
      } else {
        ++i;
      }
    }
  }
  void Clear() {
    lots_.clear();
    left_ = 0;
    batch_ = 0;
  }

  uint32_t left() const { return left_; }
  // As many as were there after the last grant: the control plane's measure of what this pool allows.
  uint32_t batch() const { return batch_; }
  const std::vector<Lot>& lots() const { return lots_; }
  MonoTime FirstExpiry() const {
    MonoTime first = MonoTime::Max();
    for (const Lot& lot : lots_) first = lot.expires < first ? lot.expires : first;
    return first;
  }

 private:
  size_t Find(int64_t tokens, MonoTime now) const {
    size_t i = 0;
    while (i < lots_.size() && (lots_[i].expires <= now || (lots_[i].tokens != 0 && lots_[i].tokens < tokens))) ++i;
    return i;
  }

  std::vector<Lot> lots_;  // none is empty
  uint32_t left_ = 0;
  uint32_t batch_ = 0;
};

inline Spares::Taken Spares::Take(int64_t tokens, MonoTime now) {
  const size_t i = Find(tokens, now);
  Lot& lot = lots_[i];
  const Taken taken{lot.permit, lot.next_use};
  ++lot.next_use;
  --left_;
  if (--lot.left == 0) lots_.erase(lots_.begin() + static_cast<ptrdiff_t>(i));
  return taken;
}

}  // namespace chain429
