#pragma once

#include <cstdint>

#include "absl/time/time.h"
#include "common/base/clock.h"

namespace chain429 {

// `amount` units that flow back evenly over `length`: what was used at one moment is free again little by little. Kept
// as the moment at which all of it will be free.
class TokenBucket {
 public:
  TokenBucket(absl::Duration length, int64_t amount) : length_(length), amount_(amount) {}

  void set_amount(int64_t amount, MonoTime now);
  // `guard`: the flow starts that much later, for a provider that sees the use late.
  void Add(int64_t amount, MonoTime at, absl::Duration guard);
  // `later`: the same bucket, had it seen nothing but what came after the use that is taken back. What has flowed back
  // by itself since then is not given back once more.
  void Subtract(int64_t amount, const TokenBucket& later);
  // The same bucket, unused.
  TokenBucket Empty() const { return {length_, amount_}; }
  int64_t Used(MonoTime now) const;
  absl::Duration UntilFreed(int64_t amount, MonoTime now) const;
  // How long it takes `amount` to flow back.
  absl::Duration Flow(int64_t amount) const;

 private:
  absl::Duration length_;
  int64_t amount_;
  MonoTime free_at_ = MonoTime::FromNanos(INT64_MIN);
  MonoTime flows_from_ = MonoTime::FromNanos(INT64_MIN);  // a full bucket's first use flows back only from then on
};

}  // namespace chain429
