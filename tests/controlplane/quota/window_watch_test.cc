// An account that knows nothing but what an exact provider's headers say: it uses the limit, is hardly ever refused, and
// comes to know how the window moves.
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

struct World {
  const char* name;
  Manner manner;
  WindowSpec window;
  int64_t limit;
  bool names_window = true;
  bool states_reset = true;
  double demand = 1.5;   // of the limit
  double outside = 0;    // of the limit
};

struct Result {
  int64_t used = 0;
  int64_t refused = 0;
  int64_t overrun = 0;   // refused though nothing was closed: what a permit should have prevented
  WindowKind held = WindowKind::kSliding;
};

Result Live(const World& world, uint64_t seed, int windows) {
  Random random(seed);
  TurnedClock clock;
  clock.Turn(absl::Hours(1) * random.Uniform());
  ExactProvider provider(world.manner, world.window, world.limit);
  Pool pool;
  pool.id = PoolId(1);
  pool.key = "p";
  PoolAccount account(pool, clock.now);
  const absl::Duration length = world.window.length;
  const absl::Duration even = length / static_cast<double>(world.limit);
  const MonoTime end = clock.mono() + length * windows;
  Result result;
  const Charge one{1, 0, 0};
  MonoTime next_outside = clock.mono();
  while (clock.mono() < end) {
    // Demand comes in waves: half a window of twice as much, half a window of nothing.
    const bool wave = random.Below(2) == 0;
    const MonoTime until = clock.mono() + length * (0.3 + 0.4 * random.Uniform());
    while (clock.mono() < until) {
      clock.Turn(even / (wave ? 2 * world.demand : 0.7) * (0.5 + random.Uniform()));
      while (world.outside > 0 && next_outside < clock.mono()) {
        provider.Take(clock.now);
        next_outside = next_outside + even / world.outside;
      }
      if (account.cooldown().Wait(clock.mono()) > absl::ZeroDuration()) continue;
      if (account.ledger().Wait(one, clock.now) > absl::ZeroDuration()) continue;
      const MonoTime sent = clock.mono();
      account.ledger().Reserve(one);
      account.ledger().Send(one, sent, clock.now);
      clock.Turn(absl::Milliseconds(static_cast<int64_t>(5 + random.Below(20))));
      const bool taken = provider.Take(clock.now);
      Reading reading;
      reading.limit = world.limit;
      reading.remaining = world.limit - provider.Used(clock.now);
      if (world.names_window) reading.window = length;
      if (world.states_reset) reading.reset_after = absl::Ceil(provider.Reset(clock.now), absl::Milliseconds(1));
      clock.Turn(absl::Milliseconds(static_cast<int64_t>(5 + random.Below(50))));
      account.ledger().Settle(one, taken ? one : Charge{}, sent, clock.now);
      PoolAccount::Seen seen{std::span<const Reading>(&reading, 1), sent, taken ? one : Charge{}, !taken};
      seen.answered = clock.mono();
      account.Read(seen, clock.now);
      result.used += taken ? 1 : 0;
      result.refused += taken ? 0 : 1;
      if (taken) {
        account.Succeed(one, sent, clock.now);
      } else {
        // As the broker does.
        const absl::Duration wait = absl::Ceil(provider.WaitForOne(clock.now), absl::Milliseconds(100));
        account.Refuse(seen, wait, clock.now);
        account.cooldown().Close({Closure::kRateLimited, wait, true, sent}, clock.now, random);
      }
    }
  }
  for (const LimitView& view : account.ledger().View(clock.now)) result.held = view.limit.window.kind;
  return result;
}

class WindowWatchTest : public testing::TestWithParam<World> {};

TEST_P(WindowWatchTest, TheLimitIsUsedAndNotOverrun) {
  const World& world = GetParam();
  int64_t used = 0, refused = 0;
  int found = 0;
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    const Result result = Live(world, seed, 30);
    used += result.used;
    refused += result.refused;
    found += result.held == WindowKind::kSliding ? 0 : 1;
  }
  printf("%-24s used %5.1f %% of the limit, %ld refused, %d of %d not sliding\n", world.name,
         100.0 * static_cast<double>(used) / static_cast<double>(world.limit * 30 * kSeeds), refused, found, kSeeds);
}

const WindowSpec kMinuteEdges = Fixed(absl::Minutes(1)), kSlidingMinute = Sliding(absl::Minutes(1));

INSTANTIATE_TEST_SUITE_P(
    Worlds, WindowWatchTest,
    testing::Values(World{"fixed", Manner::kFixed, kMinuteEdges, 30},
                    World{"fixed_unnamed", Manner::kFixed, kMinuteEdges, 30, false},
                    World{"fixed_without_reset", Manner::kFixed, kMinuteEdges, 30, true, false},
                    World{"fixed_off_the_clock", Manner::kFixed, Fixed(absl::Minutes(1), absl::Seconds(23)), 30},
                    World{"fixed_shared", Manner::kFixed, kMinuteEdges, 30, true, true, 1.5, 0.3},
                    World{"bucket", Manner::kBucket, kSlidingMinute, 60},
                    World{"bucket_unnamed", Manner::kBucket, kSlidingMinute, 60, false},
                    World{"bucket_shared", Manner::kBucket, kSlidingMinute, 60, true, true, 1.5, 0.3},
                    World{"sliding", Manner::kSlidingUntilFull, kSlidingMinute, 30},
                    World{"sliding_next", Manner::kSlidingUntilNext, kSlidingMinute, 30},
                    World{"sliding_shared", Manner::kSlidingUntilNext, kSlidingMinute, 30, true, true, 1.5, 0.3},
                    World{"sliding_without_reset", Manner::kSlidingUntilNext, kSlidingMinute, 30, true, false},
                    World{"first_use", Manner::kFromFirstUse, kSlidingMinute, 30}),
    [](const auto& one) { return std::string(one.param.name); });

}  // namespace
}  // namespace chain429
