#include "controlplane/quota/permit_table.h"

#include <algorithm>
#include <set>

#include <gtest/gtest.h>

#include "common/base/random.h"

namespace chain429 {
namespace {

MonoTime At(int64_t seconds) { return MonoTime::FromNanos(seconds * 1'000'000'000); }

PermitRecord Unused(uint32_t count = 1) {
  PermitRecord record;
  record.unused = count;
  return record;
}

TEST(PermitTable, NumbersAreUniqueAndTellTheirEpoch) {
  PermitTable table{Epoch(7)};
  PermitTable next{Epoch(8)};
  std::set<PermitId> ids;
  for (int i = 0; i < 1000; ++i) {
    const PermitId id = table.Add(Unused(), At(5));
    EXPECT_TRUE(ids.insert(id).second);
    EXPECT_TRUE(table.IsOurs(id));
    EXPECT_FALSE(next.IsOurs(id));
  }
  EXPECT_FALSE(ids.contains(PermitId()));
  for (int i = 0; i < 1000; ++i) EXPECT_FALSE(ids.contains(next.Add(Unused(), At(5))));
}

TEST(PermitTable, NumbersOfLargeEpochsAreApartToo) {
  // Epochs are milliseconds of the clock.
  PermitTable table{Epoch(1'800'000'000'000)};
  PermitTable next{Epoch(1'800'000'000'001)};
  EXPECT_FALSE(next.IsOurs(table.Add(Unused(), At(5))));
}

TEST(PermitTable, FindsWhatWasAddedUntilItIsErased) {
  PermitTable table{Epoch(1)};
  const PermitId id = table.Add(Unused(3), At(5));
  ASSERT_NE(table.Find(id), nullptr);
  EXPECT_EQ(table.Find(id)->unused, 3u);
  EXPECT_EQ(table.Find(PermitId(id.value() + 1)), nullptr);
  table.Erase(id);
  EXPECT_EQ(table.Find(id), nullptr);
  EXPECT_EQ(table.size(), 0u);
}

TEST(PermitTable, IsDoneOnlyWhenNothingIsUnusedOpenOrReturned) {
  PermitTable table{Epoch(1)};
  const PermitId id = table.Add(Unused(), At(5));
  PermitRecord& record = *table.Find(id);
  table.EraseIfDone(id);
  ASSERT_NE(table.Find(id), nullptr);
  record.unused = 0;
  record.open = 1;
  table.EraseIfDone(id);
  ASSERT_NE(table.Find(id), nullptr);
  record.open = 0;
  record.returned = 1;
  table.EraseIfDone(id);
  ASSERT_NE(table.Find(id), nullptr);
  record.returned = 0;
  table.EraseIfDone(id);
  EXPECT_EQ(table.Find(id), nullptr);
  table.EraseIfDone(id);
}

TEST(PermitTable, ExpiresEachOnceAtItsTime) {
  PermitTable table{Epoch(1)};
  const PermitId early = table.Add(Unused(), At(3));
  const PermitId late = table.Add(Unused(), At(6));
  EXPECT_EQ(table.NextExpiry(), At(3));
  EXPECT_FALSE(table.TakeExpired(At(2)));
  EXPECT_EQ(table.TakeExpired(At(3)), early);
  EXPECT_FALSE(table.TakeExpired(At(3)));
  EXPECT_EQ(table.NextExpiry(), At(6));
  EXPECT_EQ(table.TakeExpired(At(100)), late);
  EXPECT_FALSE(table.TakeExpired(At(100)));
  EXPECT_EQ(table.NextExpiry(), MonoTime::Max());
  // Expired is not forgotten.
  EXPECT_NE(table.Find(early), nullptr);
}

TEST(PermitTable, ErasedOnesDoNotExpire) {
  PermitTable table{Epoch(1)};
  table.Erase(table.Add(Unused(), At(3)));
  const PermitId kept = table.Add(Unused(), At(3));
  EXPECT_EQ(table.TakeExpired(At(9)), kept);
  EXPECT_FALSE(table.TakeExpired(At(9)));
}

TEST(PermitTable, ARevisitedOneComesAgain) {
  PermitTable table{Epoch(1)};
  const PermitId id = table.Add(Unused(), At(3));
  EXPECT_EQ(table.TakeExpired(At(3)), id);
  table.Revisit(id, At(60));
  EXPECT_FALSE(table.TakeExpired(At(59)));
  EXPECT_EQ(table.TakeExpired(At(60)), id);
}

TEST(PermitTable, TakesOverUnderTheNumberItCameWith) {
  PermitTable table{Epoch(9)};
  const PermitId foreign((uint64_t{3} << 40) | 17);
  table.Import(foreign, Unused(), At(3));
  EXPECT_NE(table.Find(foreign), nullptr);
  EXPECT_FALSE(table.IsOurs(foreign));
  EXPECT_EQ(table.TakeExpired(At(3)), foreign);
}

TEST(PermitTable, ExpiresAllInWhateverOrderTheyCame) {
  Random random(11);
  for (int round = 0; round < 20; ++round) {
    PermitTable table{Epoch(1)};
    std::vector<std::pair<MonoTime, PermitId>> expected;
    for (int i = 0; i < 300; ++i) {
      const MonoTime at = At(static_cast<int64_t>(random.Below(200)));
      expected.emplace_back(at, table.Add(Unused(), at));
    }
    std::sort(expected.begin(), expected.end());
    size_t taken = 0;
    for (int64_t second = 0; second < 200; ++second) {
      ASSERT_EQ(table.NextExpiry(), taken < expected.size() ? expected[taken].first : MonoTime::Max());
      std::set<PermitId> due;
      while (const auto id = table.TakeExpired(At(second))) EXPECT_TRUE(due.insert(*id).second);
      std::set<PermitId> wanted;
      for (; taken < expected.size() && expected[taken].first <= At(second); ++taken)
        wanted.insert(expected[taken].second);
      EXPECT_EQ(due, wanted) << "round " << round << " second " << second;
    }
    EXPECT_EQ(taken, expected.size());
  }
}

}  // namespace
}  // namespace chain429
