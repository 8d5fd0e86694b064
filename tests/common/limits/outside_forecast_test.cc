#include "common/limits/outside_forecast.h"

#include <gtest/gtest.h>

namespace chain429 {
namespace {

class OutsideForecastTest : public testing::Test {
 protected:
  void Turn(absl::Duration by) { now = now + by; }
  // Seen again and again over `length`.
  void SeeFor(int64_t outside, absl::Duration length) {
    for (const MonoTime end = now + length; now < end; Turn(absl::Seconds(1))) forecast.See(outside, now);
  }
  int64_t Peak() { return forecast.Peak(now); }
  OutsideForecast forecast{absl::Minutes(1), 30};
  MonoTime now = MonoTime::FromNanos(1'000'000'000'000);
};

TEST_F(OutsideForecastTest, WhoIsAloneReckonsWithNobody) {
  SeeFor(0, absl::Minutes(20));
  EXPECT_EQ(Peak(), 0);
}

TEST_F(OutsideForecastTest, TheMostOfTheLastWindowsIsReckonedWith) {
  SeeFor(6, absl::Seconds(30));
  SeeFor(3, absl::Minutes(13));
  EXPECT_EQ(Peak(), 6);
  SeeFor(3, absl::Minutes(4));
  EXPECT_EQ(Peak(), 3);
}

TEST_F(OutsideForecastTest, WhatIsSeenForAMomentIsAReportOnItsWay) {
  forecast.See(4, now);
  Turn(absl::Seconds(2));
  SeeFor(0, absl::Seconds(30));
  EXPECT_EQ(Peak(), 0);
}

TEST_F(OutsideForecastTest, ARefusalProvesAtOnce) {
  forecast.Prove(4, now);
  EXPECT_EQ(Peak(), 4);
  Turn(absl::Minutes(17));
  EXPECT_EQ(Peak(), 0);
}

TEST_F(OutsideForecastTest, NeverMoreThanHalfIsKeptFree) {
  forecast.Prove(28, now);
  EXPECT_EQ(Peak(), 15);
}

TEST_F(OutsideForecastTest, OfADayNothingIsForetold) {
  OutsideForecast day(absl::Hours(24), 50);
  day.Prove(10, now);
  day.See(10, now);
  day.See(10, now + absl::Hours(5));
  EXPECT_EQ(day.Peak(now + absl::Hours(5)), 0);
}

}  // namespace
}  // namespace chain429
