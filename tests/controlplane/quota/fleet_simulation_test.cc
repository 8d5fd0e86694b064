// Whole fleets over ten minutes, from many seeds: the provider never refuses a request that has a permit, and hardly
// anything of its limit is left unused.
#include "tests/controlplane/quota/fleet_simulation.h"

#include <ostream>

#include <gtest/gtest.h>

namespace chain429 {
namespace {

constexpr uint64_t kSeeds = 4;

struct Kind {
  const char* name;
  Limit limit;
  friend void PrintTo(const Kind& kind, std::ostream* out) { *out << kind.name; }
};

Limit Sliding() {
  Limit limit;
  limit.amount = 30;
  return limit;
}
Limit Fixed() {
  Limit limit = Sliding();
  limit.window.kind = WindowKind::kFixed;
  return limit;
}
Limit AtOnce() {
  Limit limit;
  limit.unit = Unit::kConcurrency;
  limit.amount = 5;
  return limit;
}

class FleetSimulationTest : public testing::TestWithParam<Kind> {
 protected:
  bool concurrency() const { return GetParam().limit.unit == Unit::kConcurrency; }
  FleetOptions Options(uint64_t seed) const {
    FleetOptions options;
    options.seed = seed;
    options.limit = GetParam().limit;
    options.provider_clock_off = absl::Seconds(static_cast<int64_t>(seed % 7) - 3);
    if (concurrency()) {
      options.answer_least = absl::Seconds(5);
      options.answer_most = absl::Seconds(20);
    }
    return options;
  }
  // The part of what the provider would have given that was used.
  double Utilisation(const FleetOptions& options, const FleetResult& result) const {
    if (concurrency())
      return absl::FDivDuration(result.busy, options.length) / static_cast<double>(options.limit.amount);
    const double most =
        absl::FDivDuration(options.length, options.limit.window.length) * static_cast<double>(options.limit.amount);
    return static_cast<double>(result.accepted) / most;
  }
  FleetResult Check(const FleetOptions& options, double utilisation) const {
    const FleetResult result = Simulate(options);
    EXPECT_EQ(result.refused, 0) << "seed " << options.seed << ": " << result.first_refusal;
    EXPECT_GE(Utilisation(options, result), utilisation) << "seed " << options.seed;
    EXPECT_EQ(result.open_at_end, 0) << "seed " << options.seed;
    EXPECT_EQ(result.reserved_at_end, 0) << "seed " << options.seed;
    return result;
  }
};

TEST_P(FleetSimulationTest, UsesAllThereIsAndNothingMore) {
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) Check(Options(seed), 0.95);
}

TEST_P(FleetSimulationTest, LinksThatBreakOverrunNothing) {
  int64_t breaks = 0;
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    FleetOptions options = Options(seed);
    options.link_breaks = absl::Seconds(10);
    breaks += Check(options, 0.4).breaks;
  }
  EXPECT_GT(breaks, 0);
}

TEST_P(FleetSimulationTest, ALeaderThatStandsStillOverrunsNothing) {
  int64_t stalls = 0;
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    FleetOptions options = Options(seed);
    options.leader_stands_still = absl::Seconds(40);
    stalls += Check(options, 0.4).stalls;
  }
  EXPECT_GT(stalls, 0);
}

TEST_P(FleetSimulationTest, RepeatedReportsOverrunNothing) {
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    FleetOptions options = Options(seed);
    options.repeated = 0.1;
    Check(options, 0.5);
  }
}

TEST_P(FleetSimulationTest, ProxiesThatDieOverrunNothing) {
  int64_t deaths = 0;
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    FleetOptions options = Options(seed);
    options.link_breaks = absl::Seconds(20);
    options.proxy_dies = absl::Seconds(60);
    deaths += Check(options, 0.3).deaths;
  }
  EXPECT_GT(deaths, 0);
}

TEST_P(FleetSimulationTest, LeadersThatChangeOverrunNothing) {
  int64_t leaders = 0;
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    FleetOptions options = Options(seed);
    options.link_breaks = absl::Seconds(15);
    options.leader_changes = absl::Seconds(50);
    leaders += Check(options, 0.3).leaders;
  }
  EXPECT_GT(leaders, static_cast<int64_t>(kSeeds));
}

TEST_P(FleetSimulationTest, TheSameSeedGivesTheSameRun) {
  FleetOptions options = Options(3);
  options.link_breaks = absl::Seconds(10);
  const FleetResult a = Simulate(options);
  const FleetResult b = Simulate(options);
  EXPECT_EQ(a.accepted, b.accepted);
  EXPECT_EQ(a.busy, b.busy);
  EXPECT_EQ(a.breaks, b.breaks);
}

INSTANTIATE_TEST_SUITE_P(Kinds, FleetSimulationTest,
                         testing::Values(Kind{"Sliding", Sliding()}, Kind{"Fixed", Fixed()}, Kind{"AtOnce", AtOnce()}),
                         [](const auto& kind) { return kind.param.name; });

}  // namespace
}  // namespace chain429
