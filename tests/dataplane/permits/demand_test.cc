#include "dataplane/permits/demand.h"

#include <gtest/gtest.h>

namespace chain429 {
namespace {

MonoTime At(int64_t ms) { return MonoTime::FromNanos(1'000'000'000'000 + ms * 1'000'000); }

TEST(RecentDemand, SingleRequestIsWorthNoSpares) {
  RecentDemand demand;
  EXPECT_EQ(demand.SparesWorth(At(0)), 0u);
  demand.Add(At(0));
  EXPECT_EQ(demand.SparesWorth(At(0)), 0u);
}

TEST(RecentDemand, SparesFollowTheLastHundredMilliseconds) {
  RecentDemand demand;
  for (int i = 0; i < 50; ++i) demand.Add(At(i));
  EXPECT_EQ(demand.Recent(At(50)), 50u);
  EXPECT_EQ(demand.SparesWorth(At(50)), 200u);
  EXPECT_EQ(demand.Recent(At(150)), 25u);
  EXPECT_EQ(demand.SparesWorth(At(250)), 0u);
}

TEST(RecentDemand, SparesAreBounded) {
  RecentDemand demand;
  for (int i = 0; i < 100'000; ++i) demand.Add(At(0));
  EXPECT_EQ(demand.SparesWorth(At(0)), RecentDemand::kMaxSpares);
}

}  // namespace
}  // namespace chain429
