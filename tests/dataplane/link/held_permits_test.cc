#include "dataplane/link/held_permits.h"

#include <gtest/gtest.h>

namespace chain429 {
namespace {

Permit Granted(uint64_t id, uint32_t spares = 0, int64_t tokens = 0) {
  return {.acquire = AcquireId(1),
          .id = PermitId(id),
          .target = TargetId(70 + id),
          .ttl = absl::Seconds(5),
          .spares = spares,
          .tokens = tokens};
}

TEST(HeldPermits, SaysWhatWasGranted) {
  HeldPermits held;
  held.OnGranted(Granted(1, 4, 250), {PoolId(5), PoolId(6)});
  const std::vector<wire::HeldPermit> list = held.List();
  ASSERT_EQ(list.size(), 1u);
  EXPECT_EQ(list[0].permit, PermitId(1));
  EXPECT_EQ(list[0].target, TargetId(71));
  EXPECT_EQ(list[0].pools, (std::vector<PoolId>{PoolId(5), PoolId(6)}));
  EXPECT_EQ(list[0].unused, 5u);
  EXPECT_EQ(list[0].open, 0u);
  EXPECT_EQ(list[0].tokens, 250);
  EXPECT_EQ(held.TokensOf(PermitId(1)), 250);
  EXPECT_EQ(held.TokensOf(PermitId(2)), 0);
}

TEST(HeldPermits, WhatNeedsNoPermitIsNotHeld) {
  HeldPermits held;
  held.OnGranted(Granted(0), {PoolId(5)});
  EXPECT_EQ(held.size(), 0u);
}

TEST(HeldPermits, SentIsOpenUntilSettled) {
  HeldPermits held;
  held.OnGranted(Granted(1, 4), {PoolId(5)});
  held.OnSent(PermitId(1), 3);
  held.OnSettled(PermitId(1), 2, true);
  EXPECT_EQ(held.List()[0].unused, 2u);
  EXPECT_EQ(held.List()[0].open, 1u);
  held.OnReleased(PermitId(1), 2);
  EXPECT_EQ(held.List()[0].unused, 0u);
  held.OnSettled(PermitId(1), 1, true);
  EXPECT_EQ(held.size(), 0u);
}

TEST(HeldPermits, WhatWasNotWrittenAfterAllIsNotHeldAnyMore) {
  HeldPermits held;
  held.OnGranted(Granted(1), {PoolId(5)});
  held.OnSettled(PermitId(1), 1, false);
  EXPECT_EQ(held.size(), 0u);
}

TEST(HeldPermits, ReportsOfUnknownPermitsAndTooManyAreHarmless) {
  HeldPermits held;
  held.OnSent(PermitId(9), 1);
  held.OnSettled(PermitId(9), 1, true);
  held.OnReleased(PermitId(9), 1);
  EXPECT_EQ(held.size(), 0u);
  held.OnGranted(Granted(1, 1), {PoolId(5)});
  held.OnSent(PermitId(1), 1);
  held.OnSettled(PermitId(1), 7, true);
  EXPECT_EQ(held.List()[0].unused, 1u);
  EXPECT_EQ(held.List()[0].open, 0u);
  held.OnReleased(PermitId(1), 7);
  EXPECT_EQ(held.size(), 0u);
}

TEST(HeldPermits, AnAbsurdNumberOfSparesIsNoOverflow) {
  HeldPermits held;
  held.OnGranted(Granted(1, UINT32_MAX), {PoolId(5)});
  EXPECT_EQ(held.List()[0].unused, UINT32_MAX);
}

TEST(HeldPermits, ANewLeaderVoidsWhatIsUnusedAndKeepsWhatIsOpen) {
  HeldPermits held;
  held.OnGranted(Granted(1, 4), {PoolId(5)});
  held.OnGranted(Granted(2), {PoolId(5)});
  held.OnSent(PermitId(1), 2);
  held.ForgetUnused();
  const std::vector<wire::HeldPermit> list = held.List();
  ASSERT_EQ(list.size(), 1u);
  EXPECT_EQ(list[0].permit, PermitId(1));
  EXPECT_EQ(list[0].unused, 0u);
  EXPECT_EQ(list[0].open, 2u);
}

TEST(HeldPermits, ListsInOrder) {
  HeldPermits held;
  for (const uint64_t id : {5u, 3u, 9u, 1u}) held.OnGranted(Granted(id), {PoolId(5)});
  std::vector<PermitId> ids;
  for (const wire::HeldPermit& permit : held.List()) ids.push_back(permit.permit);
  EXPECT_EQ(ids, (std::vector<PermitId>{PermitId(1), PermitId(3), PermitId(5), PermitId(9)}));
}

}  // namespace
}  // namespace chain429
