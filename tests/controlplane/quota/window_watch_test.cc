// An account that knows nothing but what an exact provider's headers say: it uses the limit, is hardly ever refused,
// and comes to know how the window moves.
#include <algorithm>
#include <string>
#include <vector>

#include "common/base/random.h"
#include "controlplane/quota/account.h"
#include "gtest/gtest.h"
#include "tests/common/limits/exact_provider.h"
#include "tests/common/limits/turned_clock.h"

namespace chain429 {
namespace {

using Manner = ExactProvider::Manner;
constexpr int kSeeds = 4;
constexpr int kWindows = 30;

// What may be wrong with headers.
enum class Lie : uint8_t {
  kNone,
  kSameRemaining,   // states the same whatever comes
  kMoreThanAll,     // more left than there is
  kNothing,         // a limit of 0, and a negative one
  kResetElsewhere,  // resets in the past, and in a year
  kSomebodys,       // numbers of another account
  kFlips,           // another limit every time
  kStale,           // what was true a while ago
  kSeldom,          // true, but seldom there
};

struct World {
  const char* name;
  Manner manner;
  WindowSpec window;
  int64_t limit;
  WindowKind expected = WindowKind::kSliding;
  bool names_window = true;
  bool states_reset = true;
  double outside = 0;  // of the limit
  Lie lie = Lie::kNone;
  bool configured = false;
};

struct Result {
  int64_t used = 0;
  int64_t refused = 0;
  absl::Duration idle;  // the longest time in which nothing could be sent
  WindowKind held = WindowKind::kSliding;
};

class Life {
 public:
  Life(const World& world, uint64_t seed)
      : world_(world),
        random_(seed),
        provider_(world.manner, world.window, world.limit),
        account_(PoolOf(world), clock_.now) {
    clock_.Turn(absl::Hours(1) * random_.Uniform());
  }

  // Demand comes in waves: for a while three times the limit, for a while less than it.
  Result Live(int windows) {
    const absl::Duration length = world_.window.length;
    const absl::Duration even = length / static_cast<double>(world_.limit);
    const MonoTime end = clock_.mono() + length * windows;
    MonoTime next_outside = clock_.mono();
    MonoTime last_sent = clock_.mono();
    while (clock_.mono() < end) {
      const bool wave = random_.Below(2) == 0;
      const MonoTime until = clock_.mono() + length * (0.3 + 0.4 * random_.Uniform());
      while (clock_.mono() < until) {
        clock_.Turn(even * ((wave ? 0.33 : 1.4) * (0.5 + random_.Uniform())));
        for (; world_.outside > 0 && next_outside < clock_.mono(); next_outside = next_outside + even / world_.outside)
          provider_.Take(clock_.now);
        if (account_.cooldown().Wait(clock_.mono()) > absl::ZeroDuration()) continue;
        if (account_.ledger().Wait(kOne, clock_.now) > absl::ZeroDuration()) continue;
        result_.idle = std::max(result_.idle, clock_.mono() - last_sent);
        last_sent = clock_.mono();
        Send();
      }
    }
    for (const LimitView& view : account_.ledger().View(clock_.now)) result_.held = view.limit.window.kind;
    return result_;
  }

 private:
  static constexpr Charge kOne{1, 0, 0};

  static Pool PoolOf(const World& world) {
    Pool pool;
    pool.id = PoolId(1);
    pool.key = "p";
    if (world.configured) pool.limits = {MakeLimit(Unit::kRequests, world.limit, world.window)};
    return pool;
  }

  std::vector<Reading> Headers() {
    Reading reading;
    reading.limit = world_.limit;
    reading.remaining = world_.limit - provider_.Used(clock_.now);
    if (world_.names_window) reading.window = world_.window.length;
    if (world_.states_reset) reading.reset_after = absl::Ceil(provider_.Reset(clock_.now), absl::Milliseconds(1));
    ++number_;
    switch (world_.lie) {
      case Lie::kNone:
        break;
      case Lie::kSameRemaining:
        reading.remaining = world_.limit - 1;
        break;
      case Lie::kMoreThanAll:
        reading.remaining = 10 * world_.limit;
        break;
      case Lie::kNothing:
        reading.limit = number_ % 2 == 0 ? 0 : -7;
        break;
      case Lie::kResetElsewhere:
        reading.reset_after = number_ % 2 == 0 ? -absl::Hours(3) : absl::Hours(24 * 365);
        break;
      case Lie::kSomebodys:
        reading.remaining = static_cast<int64_t>(random_.Below(static_cast<uint64_t>(world_.limit)));
        break;
      case Lie::kFlips:
        reading.limit = number_ % 2 == 0 ? 7 : 1000;
        break;
      case Lie::kStale:
        if (number_ % 10 != 1) return stale_;
        stale_ = {reading};
        break;
      case Lie::kSeldom:
        if (number_ % 7 != 0) return {};
        break;
    }
    return {reading};
  }

  void Send() {
    const MonoTime sent = clock_.mono();
    account_.ledger().Reserve(kOne);
    account_.ledger().Send(kOne, sent, clock_.now);
    clock_.Turn(absl::Milliseconds(static_cast<int64_t>(5 + random_.Below(20))));
    const bool taken = provider_.Take(clock_.now);
    const std::vector<Reading> readings = Headers();
    clock_.Turn(absl::Milliseconds(static_cast<int64_t>(5 + random_.Below(50))));
    const Charge cost = taken ? kOne : Charge{};
    account_.ledger().Settle(kOne, cost, sent, clock_.now);
    PoolAccount::Seen seen{readings, sent, cost, !taken};
    seen.answered = clock_.mono();
    account_.Read(seen, clock_.now);
    if (taken) {
      ++result_.used;
      account_.Succeed(kOne, sent, clock_.now);
      return;
    }
    ++result_.refused;
    const absl::Duration wait = absl::Ceil(provider_.WaitForOne(clock_.now), absl::Milliseconds(100));
    account_.Refuse(seen, wait, clock_.now);
    account_.cooldown().Close({Closure::kRateLimited, wait, true, sent}, clock_.now, random_);
  }

  const World world_;
  Random random_;
  TurnedClock clock_;
  ExactProvider provider_;
  PoolAccount account_;
  int number_ = 0;
  std::vector<Reading> stale_;
  Result result_;
};

struct Sum {
  double used = 0;     // of the limit
  double refused = 0;  // of what was used
  absl::Duration idle;
  int found = 0;
};

Sum LiveAll(const World& world) {
  int64_t used = 0, refused = 0;
  Sum sum;
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    const Result result = Life(world, seed).Live(kWindows);
    used += result.used;
    refused += result.refused;
    sum.idle = std::max(sum.idle, result.idle);
    sum.found += result.held == world.expected ? 1 : 0;
  }
  sum.used = static_cast<double>(used) / static_cast<double>(world.limit * kWindows * kSeeds);
  sum.refused = static_cast<double>(refused) / static_cast<double>(used);
  return sum;
}

class WindowWatchTest : public testing::TestWithParam<World> {};

TEST_P(WindowWatchTest, TheLimitIsUsedNotOverrunAndUnderstood) {
  const World& world = GetParam();
  const Sum sum = LiveAll(world);
  RecordProperty("used", std::to_string(sum.used));
  RecordProperty("refused", std::to_string(sum.refused));
  EXPECT_GE(sum.used, 0.85 - world.outside) << sum.used;
  // Nobody can know of what others use before the next answer.
  EXPECT_LE(sum.refused, world.outside > 0 ? 0.08 : 0.002) << sum.refused;
  if (world.states_reset) {
    EXPECT_GE(sum.found, world.outside > 0 ? kSeeds - 1 : kSeeds);
  }
}

const WindowSpec kMinuteEdges = Fixed(absl::Minutes(1)), kMinute = Sliding(absl::Minutes(1));
constexpr WindowKind kSlides = WindowKind::kSliding, kFixed = WindowKind::kFixed, kBucket = WindowKind::kBucket;

INSTANTIATE_TEST_SUITE_P(
    Worlds, WindowWatchTest,
    testing::Values(World{"fixed", Manner::kFixed, kMinuteEdges, 30, kFixed},
                    World{"fixed_unnamed", Manner::kFixed, kMinuteEdges, 30, kFixed, false},
                    World{"fixed_without_reset", Manner::kFixed, kMinuteEdges, 30, kFixed, true, false},
                    World{"fixed_off_the_clock", Manner::kFixed, Fixed(absl::Minutes(1), absl::Seconds(23)), 30,
                          kFixed},
                    World{"fixed_shared", Manner::kFixed, kMinuteEdges, 30, kFixed, true, true, 0.3},
                    World{"bucket", Manner::kBucket, kMinute, 60, kBucket},
                    World{"bucket_unnamed", Manner::kBucket, kMinute, 60, kBucket, false},
                    World{"bucket_shared", Manner::kBucket, kMinute, 60, kBucket, true, true, 0.3},
                    World{"sliding", Manner::kSlidingUntilFull, kMinute, 30},
                    World{"sliding_next", Manner::kSlidingUntilNext, kMinute, 30},
                    World{"sliding_shared", Manner::kSlidingUntilFull, kMinute, 30, kSlides, true, true, 0.3},
                    World{"sliding_without_reset", Manner::kSlidingUntilNext, kMinute, 30, kSlides, true, false},
                    World{"first_use", Manner::kFromFirstUse, kMinute, 30}),
    [](const auto& one) { return std::string(one.param.name); });

// Lies are no worse than silence: nothing is overrun that would not be without headers, and nothing that is free is
// held back for longer than a window.
class LyingHeadersTest : public testing::TestWithParam<World> {};

TEST_P(LyingHeadersTest, DoNoHarm) {
  for (const bool configured : {true, false}) {
    World world = GetParam();
    world.configured = configured;
    const Sum lied_to = LiveAll(world);
    EXPECT_LE(lied_to.idle, world.window.length * 2 + kSlidingGuard) << configured;
    if (configured) {
      EXPECT_EQ(lied_to.refused, 0) << lied_to.refused;
    } else {
      World silent = world;
      silent.lie = Lie::kNothing;
      EXPECT_LE(lied_to.refused, LiveAll(silent).refused + 0.01) << lied_to.refused;
    }
    RecordProperty(configured ? "used" : "used_unconfigured", std::to_string(lied_to.used));
    RecordProperty(configured ? "refused" : "refused_unconfigured", std::to_string(lied_to.refused));
  }
}

World Lying(const char* name, Lie lie) {
  World world{name, Manner::kSlidingUntilFull, kMinute, 30};
  world.lie = lie;
  return world;
}

INSTANTIATE_TEST_SUITE_P(Lies, LyingHeadersTest,
                         testing::Values(Lying("same_remaining", Lie::kSameRemaining),
                                         Lying("more_than_all", Lie::kMoreThanAll),
                                         Lying("reset_elsewhere", Lie::kResetElsewhere),
                                         Lying("somebodys", Lie::kSomebodys), Lying("flips", Lie::kFlips),
                                         Lying("stale", Lie::kStale), Lying("seldom", Lie::kSeldom),
                                         Lying("nothing", Lie::kNothing)),
                         [](const auto& one) { return std::string(one.param.name); });

}  // namespace
}  // namespace chain429
