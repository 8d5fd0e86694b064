#include "common/limits/probation.h"

#include <gtest/gtest.h>

namespace chain429 {
namespace {

constexpr int64_t kProxies = 20;

TEST(ProbationTest, WithoutOneEverythingMayGo) {
  Probation probation;
  EXPECT_FALSE(probation.active());
  for (int i = 0; i < 100; ++i) probation.Start(1);
  EXPECT_TRUE(probation.Allows(1, 1));
}

TEST(ProbationTest, AtFirstContactEachProxyHasOneUnderWay) {
  Probation probation;
  probation.BeginFirstContact();
  for (uint64_t proxy = 1; proxy <= kProxies; ++proxy) {
    ASSERT_TRUE(probation.Allows(proxy, kProxies)) << proxy;
    probation.Start(proxy);
    ASSERT_FALSE(probation.Allows(proxy, kProxies)) << proxy;
  }
  EXPECT_FALSE(probation.Finish(3, /*taken=*/false));
  EXPECT_TRUE(probation.Allows(3, kProxies));
  EXPECT_FALSE(probation.Allows(4, kProxies));
}

TEST(ProbationTest, WhatIsTakenMakesRoomForMore) {
  Probation probation;
  probation.BeginFirstContact();
  for (int i = 0; i < 7; ++i) {
    probation.Start(1);
    ASSERT_FALSE(probation.Finish(1, /*taken=*/true));
  }
  probation.Start(1);
  EXPECT_FALSE(probation.Allows(1, 1));
  probation.Finish(1, /*taken=*/true);
  probation.Start(1);
  EXPECT_TRUE(probation.Allows(1, 1));
  probation.Start(1);
  EXPECT_FALSE(probation.Allows(1, 1));
}

TEST(ProbationTest, APoolThatTookManyIsNoStranger) {
  Probation probation;
  probation.BeginFirstContact();
  int taken = 0;
  do {
    ASSERT_TRUE(probation.Allows(1, 1));
    probation.Start(1);
    ++taken;
  } while (!probation.Finish(1, /*taken=*/true));
  EXPECT_EQ(taken, 128);
  EXPECT_FALSE(probation.active());
}

TEST(ProbationTest, FailuresEarnNothing) {
  Probation probation;
  probation.BeginFirstContact();
  for (int i = 0; i < 1000; ++i) {
    probation.Start(1);
    ASSERT_FALSE(probation.Finish(1, /*taken=*/false));
  }
  probation.Start(1);
  EXPECT_FALSE(probation.Allows(1, 1));
}

TEST(ProbationTest, AReopenedPoolIsTrustedWithTwiceAsManyEachRound) {
  Probation probation;
  probation.BeginReopened();
  for (const int allowed : {2, 4, 8}) {
    for (int i = 0; i < allowed; ++i) {
      ASSERT_TRUE(probation.Allows(1, kProxies)) << allowed << " " << i;
      probation.Start(1);
    }
    ASSERT_FALSE(probation.Allows(2, kProxies)) << allowed;
    for (int i = 0; i < allowed; ++i) probation.Finish(1, /*taken=*/true);
  }
  EXPECT_TRUE(probation.active());
  probation.Start(1);
  EXPECT_TRUE(probation.Finish(1, /*taken=*/true));
  EXPECT_FALSE(probation.active());
}

TEST(ProbationTest, ProbesOfAnEarlierOneDoNotCount) {
  Probation probation;
  probation.BeginFirstContact();
  probation.Start(1);
  probation.BeginReopened();
  probation.Finish(1, /*taken=*/false);
  probation.Start(2);
  probation.Start(2);
  EXPECT_FALSE(probation.Allows(2, 1));
}

TEST(ProbationTest, UseThatNobodyAskedForMakesThePoolKnown) {
  Probation probation;
  probation.BeginFirstContact();
  for (int i = 0; i < 127; ++i) ASSERT_FALSE(probation.Finish(0, /*taken=*/true));
  EXPECT_TRUE(probation.Finish(0, /*taken=*/true));
}

}  // namespace
}  // namespace chain429
