// Random lives of many attempts, against a model that remembers every one of them.
#include <algorithm>
#include <vector>

#include "common/base/random.h"
#include "common/limits/ledger.h"
#include "gtest/gtest.h"
#include "tests/common/limits/turned_clock.h"

namespace chain429 {
namespace {

struct Attempt {
  enum class State { kReserved, kOpen, kDone };
  State state = State::kReserved;
  Charge charge;  // what it counts as
  MonoTime at;
};

// Everything by walking over all attempts.
class Model {
 public:
  int64_t Used(const Limit& limit, MonoTime now) const {
    int64_t used = 0;
    for (const Attempt& attempt : attempts) {
      if (limit.unit == Unit::kConcurrency) {
        used += attempt.state != Attempt::State::kDone ? 1 : 0;
      } else if (attempt.state == Attempt::State::kReserved ||
                 attempt.at > now - (limit.window.length + kSlidingGuard)) {
        used += attempt.charge.Of(limit.unit);
      }
    }
    return used;
  }
  bool Fits(const std::vector<Limit>& limits, const Charge& charge, MonoTime now) const {
    return std::all_of(limits.begin(), limits.end(), [&](const Limit& limit) {
      return charge.Of(limit.unit) == 0 || Used(limit, now) + charge.Of(limit.unit) <= limit.amount;
    });
  }

  std::vector<Attempt> attempts;
};

class LedgerModelTest : public testing::TestWithParam<int> {};

// All moments lie on a raster as wide as the coarsest window's grain, so that the ledger has to be exact.
TEST_P(LedgerModelTest, CountsComeBackExactly) {
  Random random(static_cast<uint64_t>(GetParam()));
  const absl::Duration raster = absl::Hours(2) / 1000;
  const std::vector<Limit> limits = {MakeLimit(Unit::kRequests, 12, Sliding(absl::Minutes(3))),
                                     MakeLimit(Unit::kRequests, 60, Sliding(absl::Hours(2))),
                                     MakeLimit(Unit::kTokens, 3000, Sliding(absl::Minutes(3))),
                                     MakeLimit(Unit::kTokens, 20'000, Sliding(absl::Hours(2))),
                                     MakeLimit(Unit::kOutputTokens, 900, Sliding(absl::Minutes(3))),
                                     MakeLimit(Unit::kConcurrency, 6)};
  TurnedClock clock;
  Ledger ledger;
  Model model;
  ledger.SetLimits(limits, clock.now);
  int refused = 0;
  for (int step = 0; step < 4000; ++step) {
    clock.Turn(raster * static_cast<int64_t>(random.Below(4)));
    Attempt* some = model.attempts.empty() ? nullptr : &model.attempts[random.Below(model.attempts.size())];
    const uint64_t what = random.Below(10);
    if (what < 4 || some == nullptr) {
      const Charge charge{1, static_cast<int64_t>(random.Below(400)), static_cast<int64_t>(random.Below(200))};
      const bool fits = model.Fits(limits, charge, clock.mono());
      ASSERT_EQ(ledger.Wait(charge, clock.now) == absl::ZeroDuration(), fits) << step;
      ASSERT_EQ(ledger.Room(charge, 1, clock.now), fits ? 1 : 0) << step;
      if (fits) {
        ledger.Reserve(charge);
        model.attempts.push_back({Attempt::State::kReserved, charge, {}});
      } else {
        ++refused;
      }
    } else if (some->state == Attempt::State::kReserved && what < 6) {
      ledger.Unreserve(some->charge);
      *some = model.attempts.back();
      model.attempts.pop_back();
    } else if (some->state == Attempt::State::kReserved) {
      // The report of it may come a little late.
      some->at = clock.mono() - raster * static_cast<int64_t>(random.Below(4));
      some->state = Attempt::State::kOpen;
      ledger.Send(some->charge, some->at, clock.now);
    } else if (some->state == Attempt::State::kOpen && what < 7) {
      ledger.Abandon(some->charge);
      some->state = Attempt::State::kDone;
    } else if (some->state == Attempt::State::kOpen) {
      Charge actual{1, static_cast<int64_t>(random.Below(500)), static_cast<int64_t>(random.Below(300))};
      if (random.Below(5) == 0) actual = {};
      ledger.Settle(some->charge, actual, some->at, clock.now);
      some->charge = actual;
      some->state = Attempt::State::kDone;
    }
    std::vector<LimitView> views = ledger.View(clock.now);
    for (size_t i = 0; i < limits.size(); ++i) {
      ASSERT_EQ(views[i].used, model.Used(limits[i], clock.mono())) << "limit " << i << " at step " << step;
    }
  }
  EXPECT_GT(refused, 100);

  // And when all is over, nothing is left.
  for (const Attempt& attempt : model.attempts) {
    if (attempt.state == Attempt::State::kReserved) ledger.Unreserve(attempt.charge);
    if (attempt.state == Attempt::State::kOpen) ledger.Settle(attempt.charge, {}, attempt.at, clock.now);
  }
  EXPECT_TRUE(ledger.idle());
  clock.Turn(absl::Hours(3));
  for (const LimitView& view : ledger.View(clock.now)) EXPECT_EQ(view.used, 0);
}

INSTANTIATE_TEST_SUITE_P(Seeds, LedgerModelTest, testing::Range(1, 9));

// Whatever Wait says: nothing fits before, if nothing else happens, and then it does.
TEST(LedgerWait, IsExactForEveryKindOfWindow) {
  for (const WindowSpec& spec : {Sliding(absl::Minutes(1)), Sliding(absl::Hours(24)), Fixed(absl::Minutes(1)),
                                 Fixed(absl::Hours(24)), Bucket(absl::Minutes(1))}) {
    Random random(9);
    TurnedClock clock;
    Ledger ledger;
    ledger.SetLimits(std::vector<Limit>{MakeLimit(Unit::kTokens, 1000, spec)}, clock.now);
    int waited = 0;
    for (int i = 0; i < 400; ++i) {
      const Charge charge{1, 1 + static_cast<int64_t>(random.Below(400)), 0};
      const absl::Duration wait = ledger.Wait(charge, clock.now);
      if (wait > absl::ZeroDuration()) {
        ++waited;
        clock.Turn(wait - absl::Milliseconds(1));
        ASSERT_GT(ledger.Wait(charge, clock.now), absl::ZeroDuration()) << i;
        clock.Turn(absl::Milliseconds(2));
        ASSERT_EQ(ledger.Wait(charge, clock.now), absl::ZeroDuration()) << i;
      }
      ledger.SendUnreserved(charge, clock.mono(), clock.now);
      ledger.Settle(charge, charge, clock.mono(), clock.now);
      clock.Turn(spec.length * (random.Uniform() / 20));
    }
    EXPECT_GT(waited, 50);
  }
}

}  // namespace
}  // namespace chain429
