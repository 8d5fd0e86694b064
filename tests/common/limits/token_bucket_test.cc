#include "common/limits/token_bucket.h"

#include "common/base/random.h"
#include "gtest/gtest.h"

namespace chain429 {
namespace {

const MonoTime kStart = MonoTime::FromNanos(1'000'000'000'000);
const absl::Duration kGuard = absl::Milliseconds(200);

MonoTime At(double seconds) { return kStart + absl::Seconds(seconds); }

TEST(TokenBucket, FlowsBackEvenly) {
  TokenBucket bucket(absl::Minutes(1), 60);
  EXPECT_EQ(bucket.Used(kStart), 0);
  bucket.Add(60, kStart, absl::ZeroDuration());
  EXPECT_EQ(bucket.Used(kStart), 60);
  EXPECT_EQ(bucket.Used(At(0.5)), 60);  // half a unit is none
  EXPECT_EQ(bucket.Used(At(1)), 59);
  EXPECT_EQ(bucket.Used(At(30)), 30);
  EXPECT_EQ(bucket.Used(At(60)), 0);
  EXPECT_EQ(bucket.Used(At(1000)), 0);
}

TEST(TokenBucket, TheFlowBeginsAfterTheGuard) {
  TokenBucket bucket(absl::Minutes(1), 60);
  bucket.Add(10, kStart, kGuard);
  EXPECT_EQ(bucket.Used(At(1.1)), 10);
  EXPECT_EQ(bucket.Used(At(1.2)), 9);
}

// The guard must not cost a unit: a small bucket would never be used in full.
TEST(TokenBucket, AFullBucketCanBeUsedAtOnceToItsLastUnit) {
  for (const int64_t amount : {1, 3, 10, 6000}) {
    TokenBucket bucket(absl::Minutes(1), amount);
    for (int64_t used = 0; used < amount; ++used) {
      ASSERT_EQ(bucket.Used(kStart), used);
      bucket.Add(1, kStart, kGuard);
    }
    EXPECT_EQ(bucket.Used(kStart), amount);
    EXPECT_EQ(bucket.Used(kStart + kGuard), amount);
  }
}

TEST(TokenBucket, WhatIsLeftOfEarlierUseCountsBesideNewUse) {
  TokenBucket bucket(absl::Minutes(1), 6000);
  bucket.Add(100, kStart, kGuard);  // all free after 1.2 s
  EXPECT_EQ(bucket.Used(At(1.1)), 10);
  bucket.Add(5, At(1.1), kGuard);
  EXPECT_GE(bucket.Used(At(1.1)), 15);
  EXPECT_LE(bucket.Used(At(1.1)), 25);
}

TEST(TokenBucket, SaysWhenSoMuchIsFree) {
  TokenBucket bucket(absl::Minutes(1), 60);
  bucket.Add(20, kStart, absl::ZeroDuration());
  EXPECT_EQ(bucket.UntilFreed(0, kStart), absl::ZeroDuration());
  EXPECT_EQ(bucket.UntilFreed(5, kStart), absl::Seconds(5));
  EXPECT_EQ(bucket.UntilFreed(20, At(3)), absl::InfiniteDuration());
  EXPECT_EQ(bucket.UntilFreed(17, At(3)), absl::Seconds(17));
}

TEST(TokenBucket, AnotherAmountKeepsWhatIsUsed) {
  TokenBucket bucket(absl::Minutes(1), 60);
  bucket.Add(30, kStart, absl::ZeroDuration());
  bucket.set_amount(120, kStart);
  EXPECT_EQ(bucket.Used(kStart), 30);
  EXPECT_EQ(bucket.Used(At(1)), 28);
  bucket.set_amount(6, At(1));
  EXPECT_EQ(bucket.Used(At(1)), 28);
  EXPECT_EQ(bucket.Used(At(11)), 27);
}

TEST(TokenBucket, WhatIsTakenBackAtOnceWasNeverUsed) {
  TokenBucket bucket(absl::Minutes(1), 60);
  bucket.Add(10, kStart, absl::ZeroDuration());
  bucket.Add(30, kStart, absl::ZeroDuration());
  bucket.Subtract(30, bucket.Empty());
  EXPECT_EQ(bucket.Used(kStart), 10);
}

// Thirty seconds after the first use all of it has flowed back; taking it back then must not hide what came since.
TEST(TokenBucket, WhatHasFlowedBackIsNotGivenBackOnceMore) {
  TokenBucket bucket(absl::Minutes(1), 60);
  bucket.Add(30, kStart, absl::ZeroDuration());
  TokenBucket later = bucket.Empty();
  for (TokenBucket* each : {&bucket, &later}) each->Add(40, At(35), absl::ZeroDuration());
  bucket.Subtract(30, later);
  EXPECT_EQ(bucket.Used(At(35)), 40);
}

TEST(TokenBucket, WhatHasPartlyFlowedBackIsGivenBackInPart) {
  TokenBucket bucket(absl::Minutes(1), 60);
  bucket.Add(30, kStart, absl::ZeroDuration());
  TokenBucket later = bucket.Empty();
  for (TokenBucket* each : {&bucket, &later}) each->Add(40, At(20), absl::ZeroDuration());
  EXPECT_EQ(bucket.Used(At(20)), 50);
  bucket.Subtract(30, later);
  EXPECT_EQ(bucket.Used(At(20)), 40);
}

TEST(TokenBucket, AmountsOfZeroDivideNothing) {
  TokenBucket bucket(absl::Minutes(1), 0);
  bucket.Add(1, kStart, absl::ZeroDuration());
  EXPECT_GE(bucket.Used(kStart), 0);
}

}  // namespace
}  // namespace chain429
