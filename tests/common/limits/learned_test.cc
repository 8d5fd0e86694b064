#include "common/limits/learned.h"

#include <algorithm>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/common/limits/turned_clock.h"

namespace chain429 {
namespace {

const absl::Duration kUnnamed = absl::ZeroDuration();
const absl::Duration kMinute = absl::Minutes(1), kHour = absl::Hours(1), kDay = absl::Hours(24);
const Charge kOne{1, 100, 0};

Reading MakeReading(Unit unit, absl::Duration window, int64_t limit, int64_t remaining,
                    absl::Duration reset = absl::InfiniteDuration()) {
  Reading reading;
  reading.unit = unit;
  reading.window = window;
  reading.limit = limit;
  reading.remaining = remaining;
  reading.reset_after = reset;
  return reading;
}

class LearnedTest : public testing::Test {
 protected:
  // A reading of a request that is written now.
  bool Observe(const Reading& reading, const Charge& cost = kOne) {
    clock_.Turn(absl::Milliseconds(10));
    return learned_.Observe(reading, cost, clock_.mono(), clock_.mono());
  }
  std::vector<Limit> Merge(const std::vector<Limit>& declared = {}) const { return learned_.Merge(declared); }

  TurnedClock clock_;
  LearnedLimits learned_;
};

using Limits = std::vector<Limit>;

TEST_F(LearnedTest, ANamedWindowIsBelievedAtOnce) {
  EXPECT_TRUE(Observe(MakeReading(Unit::kRequests, kDay, 14400, 14400)));
  EXPECT_TRUE(Observe(MakeReading(Unit::kTokens, kMinute, 6000, -1)));
  EXPECT_EQ(Merge(), (Limits{MakeLimit(Unit::kRequests, 14400, Sliding(kDay), Provenance::kStated),
                             MakeLimit(Unit::kTokens, 6000, Sliding(kMinute), Provenance::kStated)}));
  EXPECT_EQ(learned_.LengthOf(MakeReading(Unit::kRequests, kDay, 1, 1)), kDay);
  EXPECT_EQ(learned_.LengthOf(MakeReading(Unit::kRequests, kMinute, 1, 1)), absl::ZeroDuration());
}

TEST_F(LearnedTest, FollowsTheProviderUpAndDown) {
  for (const int64_t amount : {30, 60, 10, 1000, 1}) {
    EXPECT_TRUE(Observe(MakeReading(Unit::kRequests, kMinute, amount, amount - 1)));
    ASSERT_EQ(Merge().size(), 1u);
    EXPECT_EQ(Merge()[0].amount, amount);
    EXPECT_FALSE(Observe(MakeReading(Unit::kRequests, kMinute, amount, 0)));
  }
}

TEST_F(LearnedTest, TheNewestWordOfALimitHoldsWhereverItStands) {
  Observe(MakeReading(Unit::kRequests, kUnnamed, 60, 30, absl::Seconds(50)));
  // The text of a refusal names the window.
  EXPECT_TRUE(Observe(MakeReading(Unit::kRequests, kMinute, 30, 0)));
  ASSERT_EQ(Merge().size(), 1u);
  EXPECT_EQ(Merge()[0].amount, 30);
  EXPECT_TRUE(Observe(MakeReading(Unit::kRequests, kUnnamed, 60, 30, absl::Seconds(50))));
  ASSERT_EQ(Merge().size(), 1u);
  EXPECT_EQ(Merge()[0].amount, 60);
}

TEST_F(LearnedTest, AHeaderWhoseWindowIsNotKnownYetCorrectsNothing) {
  Observe(MakeReading(Unit::kRequests, kMinute, 3, 0));
  Observe(MakeReading(Unit::kRequests, kUnnamed, 10000, 9999, absl::Seconds(9)));
  const Limits merged = Merge();
  EXPECT_TRUE(std::any_of(merged.begin(), merged.end(), [](const Limit& limit) { return limit.amount == 3; }));
}

TEST_F(LearnedTest, AnOlderReadingDoesNotOverrideANewerOne) {
  const MonoTime old = clock_.mono();
  Observe(MakeReading(Unit::kRequests, kMinute, 60, 10));
  EXPECT_FALSE(learned_.Observe(MakeReading(Unit::kRequests, kMinute, 30, 10), kOne, old, clock_.mono()));
  EXPECT_EQ(Merge()[0].amount, 60);
}

TEST_F(LearnedTest, ConfiguredLimitsOverrideTheLearntOfTheSameUnitAndLength) {
  Observe(MakeReading(Unit::kRequests, kMinute, 60, 10));
  Observe(MakeReading(Unit::kRequests, kDay, 1000, 900));
  const Limit rpm = MakeLimit(Unit::kRequests, 100, Sliding(kMinute));
  EXPECT_EQ(Merge({rpm}), (Limits{rpm, MakeLimit(Unit::kRequests, 1000, Sliding(kDay), Provenance::kStated)}));
}

TEST_F(LearnedTest, ConfiguredLimitsOverrideEveryLearntOneOfTheUnitThatNamesNoWindow) {
  Observe(MakeReading(Unit::kRequests, kUnnamed, 60, 59, absl::Seconds(50)));
  Observe(MakeReading(Unit::kTokens, kUnnamed, 6000, 5000, absl::Seconds(50)));
  const Limit rpd = MakeLimit(Unit::kRequests, 5000, Sliding(kDay));
  EXPECT_EQ(Merge({rpd}), (Limits{rpd, MakeLimit(Unit::kTokens, 6000, Sliding(kMinute), Provenance::kInferred)}));
}

TEST_F(LearnedTest, TheCataloguesLimitsFollowWhatTheProviderStatesAndKeepTheirWindows) {
  const WindowSpec pacific = Fixed(kDay, absl::ZeroDuration(), "America/Los_Angeles");
  const Limits declared = {MakeLimit(Unit::kRequests, 30, Sliding(kMinute), Provenance::kCatalogue),
                           MakeLimit(Unit::kRequests, 250, pacific, Provenance::kCatalogue)};
  EXPECT_EQ(Merge(declared), declared);
  Observe(MakeReading(Unit::kRequests, kDay, 1000, 900));
  EXPECT_EQ(Merge(declared), (Limits{declared[0], MakeLimit(Unit::kRequests, 1000, pacific, Provenance::kStated)}));
  Observe(MakeReading(Unit::kRequests, kDay, 100, 90));
  EXPECT_EQ(Merge(declared)[1].amount, 100);
}

TEST_F(LearnedTest, TheProjectsTokensCountBesideTheAccounts) {
  const Limits declared = {MakeLimit(Unit::kTokens, 200'000, Sliding(kMinute), Provenance::kCatalogue)};
  Reading project = MakeReading(Unit::kTokens, kMinute, 30'000, 29'000);
  project.project_scope = true;
  Observe(project);
  EXPECT_EQ(Merge(declared),
            (Limits{declared[0], MakeLimit(Unit::kTokens, 30'000, Sliding(kMinute), Provenance::kStated)}));
  Observe(MakeReading(Unit::kTokens, kMinute, 100'000, 99'000));
  EXPECT_EQ(Merge(declared), (Limits{MakeLimit(Unit::kTokens, 100'000, Sliding(kMinute), Provenance::kStated),
                                     MakeLimit(Unit::kTokens, 30'000, Sliding(kMinute), Provenance::kStated)}));
}

// Providers whose bucket refills: reset = window * used / limit.
TEST_F(LearnedTest, AnUnnamedWindowIsPlacedByTheRefillOfItsBucket) {
  struct Case {
    absl::Duration window;
    int64_t limit;
  };
  for (const Case& c :
       {Case{kMinute, 60}, Case{kMinute, 6000}, Case{kHour, 200}, Case{kDay, 14400}, Case{kDay, 1000}}) {
    learned_ = LearnedLimits();
    for (int64_t used = 1; used <= 4; ++used) {
      const absl::Duration reset = c.window * (static_cast<double>(used) / static_cast<double>(c.limit));
      Observe(MakeReading(Unit::kRequests, kUnnamed, c.limit, c.limit - used, reset));
    }
    EXPECT_EQ(Merge(), (Limits{MakeLimit(Unit::kRequests, c.limit, Sliding(c.window), Provenance::kInferred)}))
        << c.window << " " << c.limit;
  }
}

// The others never state more than the window.
TEST_F(LearnedTest, AnUnnamedWindowIsPlacedByTheLongestReset) {
  struct Case {
    absl::Duration first, second;  // resets stated
    absl::Duration window;
  };
  for (const Case& c :
       {Case{absl::Seconds(44), absl::Seconds(3), kMinute}, Case{absl::Seconds(61), absl::Seconds(20), kMinute},
        Case{absl::Minutes(20), absl::Seconds(20), kHour}, Case{absl::Seconds(7), absl::Hours(5), kDay},
        Case{absl::InfiniteDuration(), absl::InfiniteDuration(), kMinute}}) {
    learned_ = LearnedLimits();
    Observe(MakeReading(Unit::kRequests, kUnnamed, 100, 63, c.first));
    Observe(MakeReading(Unit::kRequests, kUnnamed, 100, 40, c.second));
    ASSERT_EQ(Merge().size(), 1u);
    EXPECT_EQ(Merge()[0].window.length, c.window) << c.first << " " << c.second;
    EXPECT_EQ(learned_.LengthOf(MakeReading(Unit::kRequests, kUnnamed, 100, 40)), c.window);
  }
}

TEST_F(LearnedTest, WhatIsKnownIsRestored) {
  Observe(MakeReading(Unit::kRequests, kDay, 14400, 14000));
  Observe(MakeReading(Unit::kTokens, kUnnamed, 6000, 5000, absl::Minutes(30)));
  LearnedLimits restored;
  for (const Limit& limit : learned_.Known()) restored.Restore(limit, clock_.mono());
  EXPECT_EQ(restored.Merge({}), Merge());
  EXPECT_EQ(restored.Known(), learned_.Known());
  // And goes on from there.
  clock_.Turn(absl::Seconds(1));
  restored.Observe(MakeReading(Unit::kRequests, kDay, 20000, 19000), kOne, clock_.mono(), clock_.mono());
  restored.Observe(MakeReading(Unit::kTokens, kUnnamed, 7000, 5000, absl::Minutes(3)), kOne, clock_.mono(),
                   clock_.mono());
  EXPECT_EQ(restored.Merge({}), (Limits{MakeLimit(Unit::kRequests, 20000, Sliding(kDay), Provenance::kStated),
                                        MakeLimit(Unit::kTokens, 7000, Sliding(kHour), Provenance::kInferred)}));
}

// What is restored knows its limit by unit and window; a second one of the same would never hear from the provider
// again.
TEST_F(LearnedTest, RestartsDoNotMultiplyTheProjectsLimit) {
  Reading project = MakeReading(Unit::kTokens, kMinute, 30'000, 29'000);
  project.project_scope = true;
  const Reading own = MakeReading(Unit::kTokens, kMinute, 200'000, 199'000);
  for (int restart = 0; restart < 5; ++restart) {
    Observe(own);
    Observe(project);
    EXPECT_EQ(Merge().size(), 2u) << restart;
    const Limits known = learned_.Known();
    learned_ = LearnedLimits();
    for (const Limit& limit : known) learned_.Restore(limit, clock_.mono());
    project.limit += 5000;
  }
  Observe(project);
  for (const Limit& limit : Merge())
    EXPECT_TRUE(limit.amount == 200'000 || limit.amount == project.limit) << limit.amount;
}

}  // namespace
}  // namespace chain429
