// Exact providers of every manner, and traffic of every kind: what is held is the truth or the safe side of it.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "common/base/random.h"
#include "common/limits/window.h"
#include "common/limits/window_inference.h"
#include "gtest/gtest.h"
#include "tests/common/limits/exact_provider.h"
#include "tests/common/limits/turned_clock.h"

namespace chain429 {
namespace {

using Manner = ExactProvider::Manner;
constexpr int kSeeds = 10;

struct World {
  const char* name = "";
  Manner manner = Manner::kFixed;
  WindowSpec window;
  WindowKind expected = WindowKind::kSliding;  // what may be held beside sliding
  bool states_reset = true;
  bool whole_seconds = false;
  int64_t limit = 30;
  double outside = 0;      // uses of somebody else for each of ours
  bool disorder = false;   // answers come up to ten seconds late, and some of them twice
};

struct Result {
  int wrong = 0;  // readings after which something else was held than what is true and what is safe
  int readings = 0;
  WindowSpec held;  // in the end
};

class Life {
 public:
  Life(const World& world, uint64_t seed)
      : world_(world),
        random_(seed),
        provider_(world.manner, world.window, world.limit),
        own_(Sliding(world.window.length), world.limit),
        habit_(random_.Below(3)) {
    clock_.Turn(absl::Hours(24) * random_.Uniform());
  }

  Result Live(int windows) {
    const MonoTime end = clock_.mono() + world_.window.length * windows;
    while (clock_.mono() < end) {
      clock_.Turn(Pause());
      if (random_.Uniform() < world_.outside) provider_.Take(clock_.now);
      Send();
      std::erase_if(late_, [this](const auto& late) {
        if (late.first > clock_.mono()) return false;
        Hear(late.second);
        return true;
      });
    }
    result_.held = inference_.held();
    return result_;
  }

 private:
  // Evenly with pauses, a burst now and then, or without letting up.
  absl::Duration Pause() {
    const absl::Duration length = world_.window.length;
    const absl::Duration even = length / static_cast<double>(std::min<int64_t>(world_.limit, 200));
    if (habit_ == 1 && random_.Below(12) == 0) return length * random_.Uniform();
    if (habit_ == 2) return random_.Below(15) == 0 ? length * (0.3 + 0.5 * random_.Uniform()) : even / 20;
    return even * (0.2 + 1.2 * random_.Uniform());
  }

  void Send() {
    WindowReading reading;
    reading.at = clock_.mono();
    reading.limit = world_.limit;
    clock_.Turn(absl::Milliseconds(static_cast<int64_t>(5 + random_.Below(30))));
    reading.counted = provider_.Take(clock_.now);
    reading.used = provider_.Used(clock_.now);
    if (world_.states_reset) {
      const absl::Duration unit = world_.whole_seconds ? absl::Seconds(1) : absl::Milliseconds(1);
      reading.reset = absl::Ceil(provider_.Reset(clock_.now), unit);
    }
    clock_.Turn(absl::Milliseconds(static_cast<int64_t>(20 + random_.Below(200))));
    reading.answered = clock_.mono();
    if (reading.counted) own_.Add(1, reading.at, clock_.now);
    const auto later = [this] { return clock_.mono() + absl::Seconds(10) * random_.Uniform(); };
    if (world_.disorder && random_.Below(3) == 0) {
      late_.emplace_back(later(), reading);
      if (random_.Below(2) == 0) return;
    }
    Hear(reading);
  }

  void Hear(const WindowReading& reading) {
    own_.Used(clock_.now);
    inference_.Observe(reading, world_.window.length, own_.log(), clock_.now);
    ++result_.readings;
    const WindowKind kind = inference_.held().kind;
    result_.wrong += kind != world_.expected && kind != WindowKind::kSliding ? 1 : 0;
  }

  const World world_;
  Random random_;
  TurnedClock clock_;
  ExactProvider provider_;
  Window own_;
  WindowInference inference_;
  const uint64_t habit_;
  std::vector<std::pair<MonoTime, WindowReading>> late_;
  Result result_;
};

std::vector<World> Worlds() {
  const WindowSpec minute = Fixed(absl::Minutes(1)), hour = Fixed(absl::Hours(1));
  const WindowSpec off_clock = Fixed(absl::Minutes(1), absl::Seconds(23));
  const WindowSpec pacific = Fixed(absl::Hours(24), absl::ZeroDuration(), "America/Los_Angeles");
  const WindowKind sliding = WindowKind::kSliding, fixed = WindowKind::kFixed, bucket = WindowKind::kBucket;
  std::vector<World> worlds;
  for (const bool whole : {false, true}) {
    worlds.push_back({"fixed_minute", Manner::kFixed, minute, fixed, true, whole, 30});
    worlds.push_back({"fixed_off_the_clock", Manner::kFixed, off_clock, fixed, true, whole, 30});
    worlds.push_back({"fixed_hour", Manner::kFixed, hour, fixed, true, whole, 200});
    worlds.push_back({"pacific_day", Manner::kFixed, pacific, fixed, true, whole, 1000});
    worlds.push_back({"bucket", Manner::kBucket, minute, bucket, true, whole, 60});
    worlds.push_back({"sliding_until_full", Manner::kSlidingUntilFull, minute, sliding, true, whole, 30});
    worlds.push_back({"sliding_until_next", Manner::kSlidingUntilNext, minute, sliding, true, whole, 30});
    worlds.push_back({"sliding_day", Manner::kSlidingUntilNext, Sliding(absl::Hours(24)), sliding, true, whole, 1000});
    worlds.push_back({"from_the_first_use", Manner::kFromFirstUse, minute, sliding, true, whole, 30});
  }
  worlds.push_back({"fixed_without_reset", Manner::kFixed, minute, fixed, false});
  worlds.push_back({"bucket_without_reset", Manner::kBucket, minute, sliding, false, false, 60});
  worlds.push_back({"sliding_without_reset", Manner::kSlidingUntilFull, minute, sliding, false});
  worlds.push_back({"off_the_clock_without_reset", Manner::kFixed, off_clock, sliding, false});
  for (size_t i = 0, alone = worlds.size(); i < alone; ++i) {
    worlds.push_back(worlds[i]);
    worlds.back().outside = 0.25;
    worlds.push_back(worlds[i]);
    worlds.back().disorder = true;
  }
  return worlds;
}

class WindowInferenceTruth : public testing::TestWithParam<World> {};

TEST_P(WindowInferenceTruth, WhatIsHeldIsTheTruthOrTheSafeSideOfIt) {
  const World& world = GetParam();
  int wrong = 0, readings = 0, found = 0;
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    const Result result = Life(world, seed).Live(world.window.length >= absl::Hours(24) ? 3 : 12);
    wrong += result.wrong;
    readings += result.readings;
    if (result.held.kind != world.expected) continue;
    ++found;
    if (world.expected != WindowKind::kFixed) continue;
    const WindowSpec& held = result.held;
    EXPECT_EQ(held.zone, world.window.zone) << seed;
    EXPECT_LE(absl::AbsDuration(held.anchor - world.window.anchor), absl::Seconds(1)) << seed << " " << held.anchor;
  }
  EXPECT_LE(wrong * 200, readings) << wrong << " of " << readings;
  // Told by counts alone, a key that others use looks like anything: it is left at the safe side.
  if (world.states_reset || world.outside == 0) {
    EXPECT_GE(found * 100, kSeeds * 80) << found;
  }
}

INSTANTIATE_TEST_SUITE_P(Worlds, WindowInferenceTruth, testing::ValuesIn(Worlds()), [](const auto& one) {
  const World& world = one.param;
  return std::string(world.name) + (world.whole_seconds ? "_in_seconds" : "") +
         (world.outside > 0 ? "_with_others" : "") + (world.disorder ? "_in_disorder" : "");
});

}  // namespace
}  // namespace chain429
