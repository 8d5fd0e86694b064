// Pool states and closures on their way to the workers.
#include "tests/dataplane/link/core_fixture.h"

namespace chain429 {
namespace {

PoolState LimitedPool() {
  PoolState state;
  state.pool = PoolId(11);
  state.limited = true;
  state.shares = {{7, 3, absl::Minutes(1)}};
  return state;
}

TEST_F(LinkCoreTest, APoolStateGoesToEveryWorkerWithItsPartOfTheShare) {
  Attach();
  ASSERT_TRUE(SayPool(LimitedPool()).ok());
  int64_t first = 0;
  int64_t steady = 0;
  const std::vector<LinkCore::Delivery> deliveries = core.TakeDeliveries();
  ASSERT_EQ(deliveries.size(), 2u);
  for (const LinkCore::Delivery& delivery : deliveries) {
    ASSERT_EQ(delivery.mail.pools.size(), 1u);
    EXPECT_TRUE(delivery.mail.pools[0].limited);
    ASSERT_EQ(delivery.mail.pools[0].shares.size(), 1u);
    EXPECT_EQ(delivery.mail.pools[0].shares[0].window, absl::Minutes(1));
    first += delivery.mail.pools[0].shares[0].first;
    steady += delivery.mail.pools[0].shares[0].steady;
  }
  EXPECT_EQ(first, 7);
  EXPECT_EQ(steady, 3);
}

TEST_F(LinkCoreTest, AClosureThatAWorkerSawGoesToTheOthersAtOnce) {
  Attach();
  ASSERT_TRUE(SayPool(LimitedPool()).ok());
  core.TakeDeliveries();
  WorkerMail mail;
  mail.closures = {{PoolId(11), Closure::kRateLimited, absl::Seconds(30), true}};
  core.OnWorkerMail(0, std::move(mail), now);
  const std::vector<LinkCore::Delivery> deliveries = core.TakeDeliveries();
  ASSERT_EQ(deliveries.size(), 1u);
  EXPECT_EQ(deliveries[0].worker, 1u);
  ASSERT_EQ(deliveries[0].mail.closures.size(), 1u);
  EXPECT_EQ(deliveries[0].mail.closures[0].closure, Closure::kRateLimited);
  EXPECT_EQ(deliveries[0].mail.closures[0].closed_for, absl::Seconds(30));
  // It goes on by the numbers and shares that it has.
  EXPECT_TRUE(deliveries[0].mail.pools.empty());
}

TEST_F(LinkCoreTest, AClosureIsSharedAmongWorkersWhileTheControlPlaneIsAway) {
  WorkerMail mail;
  mail.closures = {{PoolId(11), Closure::kAuth, absl::Minutes(10), false}};
  core.OnWorkerMail(1, std::move(mail), now);
  const std::vector<LinkMail> mails = MailFor(0);
  ASSERT_EQ(mails.size(), 1u);
  ASSERT_EQ(mails[0].closures.size(), 1u);
  EXPECT_EQ(mails[0].closures[0].closure, Closure::kAuth);
}

TEST_F(LinkCoreTest, ClosuresTravelByThePermitsStreamAndNumbersByTheOther) {
  Attach();
  PoolState closed = LimitedPool();
  closed.closure = Closure::kRateLimited;
  closed.closed_for = absl::Seconds(30);
  ASSERT_TRUE(SayPool(closed).ok());
  core.TakeDeliveries();
  PoolState numbers = LimitedPool();
  numbers.limits.push_back({.window = absl::Minutes(1), .amount = 7, .remaining = 4, .recoveries = {}});
  v1::SyncDown down;
  down.set_epoch(kEpoch);
  wire::Encode(numbers, down.mutable_pools()->add_pools());
  ASSERT_TRUE(core.OnSync(down, now).ok());
  const std::vector<LinkMail> mails = MailFor(0);
  ASSERT_EQ(mails.size(), 1u);
  EXPECT_EQ(mails[0].pools[0].limits.at(0).remaining, 4);
  EXPECT_EQ(mails[0].pools[0].closure, Closure::kRateLimited);
  EXPECT_EQ(mails[0].pools[0].closed_for, absl::Seconds(30));
}

TEST_F(LinkCoreTest, StatesOfOneTurnComeInTheirOrder) {
  Attach();
  PoolState closed = LimitedPool();
  closed.closure = Closure::kRateLimited;
  closed.closed_for = absl::Seconds(30);
  Turn(LinkPoolView::kStatesLag);
  ASSERT_TRUE(SayPool(closed).ok());
  ASSERT_TRUE(SayPool(LimitedPool()).ok());
  const std::vector<LinkMail> mails = MailFor(0);
  ASSERT_EQ(mails.size(), 1u);
  ASSERT_EQ(mails[0].pools.size(), 2u);
  EXPECT_EQ(mails[0].pools[0].closure, Closure::kRateLimited);
  EXPECT_EQ(mails[0].pools[1].closure, Closure::kNone);
}

TEST_F(LinkCoreTest, ABadPoolStateIsRefusedByItsPath) {
  Attach();
  v1::SyncDown down;
  down.set_epoch(kEpoch);
  wire::Encode(LimitedPool(), down.mutable_pools()->add_pools());
  down.mutable_pools()->add_pools();  // of no pool
  const absl::Status status = core.OnSync(down, now);
  EXPECT_FALSE(status.ok());
  EXPECT_NE(std::string(status.message()).find("pools[1]"), std::string::npos) << status;
  EXPECT_TRUE(core.TakeDeliveries().empty());
}

}  // namespace
}  // namespace chain429
