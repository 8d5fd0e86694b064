#pragma once

#include <cstdint>
#include <optional>

#include "absl/time/time.h"
#include "common/base/clock.h"
#include "common/model/pool.h"

namespace chain429 {

// A limit of requests per minute that no header states and no configuration knows: what went well in the minute before
// a refusal that nothing known explains. It rises again by a tenth after each minute in which it was used in full and
// nothing was refused, and by twice as much each time that this goes well. Where the refusals come back at about the
// same number it rises ever more rarely, but not so rarely that a raised limit would go unnoticed for long: one refusal
// in some 500 requests is what looking for it may cost.
class InferredLimit {
 public:
  // `successes`: own requests of the last minute that were not refused. True if the limit changed.
  bool Refuse(int64_t successes, MonoTime now);
  // A further refusal of the same moment: fewer had gone well than it seemed. True if the limit changed.
  bool Correct(int64_t successes);
  // `used`: own requests of the last minute. To be called while the limit is used. True if the limit changed.
  bool Turn(int64_t used, MonoTime now);
  void Restore(int64_t amount, MonoTime now);

  bool known() const { return amount_ > 0; }
  int64_t amount() const { return amount_; }
  Limit AsLimit() const;

 private:
  static constexpr int64_t kFirstRaise = 10;

  int64_t amount_ = 0;  // 0: nothing inferred
  int64_t refused_at_ = 0;
  int patience_ = 1;  // full minutes before it rises
  int full_minutes_ = 0;
  bool full_ = false;  // in the present minute
  int64_t raise_percent_ = kFirstRaise;
  MonoTime minute_start_;
};

}  // namespace chain429
