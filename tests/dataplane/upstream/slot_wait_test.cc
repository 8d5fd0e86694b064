#include <string>
#include <vector>

#include "dataplane/upstream/idle_time.h"
#include "dataplane/upstream/upstream_pool.h"
#include "tests/dataplane/net/loopback.h"

namespace chain429 {
namespace {

class SlotWaitTest : public LoopbackTest {
 protected:
  static Detached Wait(SlotWait* wait, std::string name, std::vector<std::string>* served) {
    const bool got = co_await *wait;
    served->push_back(name + (!got ? " nothing" : wait->connection != nullptr ? " idle" : " slot"));
  }
  SlotWait For(UpstreamHost* of) { return SlotWait(pool, of, clock.Read().mono + absl::Seconds(3)); }

  UpstreamCounters counters;
  UpstreamPool pool{io, deadlines, clock, counters, {.max_per_host = 2, .proxies = {}}};
  UpstreamHost* host = pool.Intern({.tls = false, .host = "a.test", .port = 80, .path = "", .host_header = ""});
  std::vector<std::string> served;
};

TEST_F(SlotWaitTest, AHostHasSoManyConnectionsAndNoMore) {
  UpstreamSlot first = pool.TakeSlot(host);
  UpstreamSlot second = pool.TakeSlot(host);
  EXPECT_TRUE(first && second);
  EXPECT_FALSE(pool.TakeSlot(host));
  EXPECT_EQ(counters.open.value(), 2u);
  UpstreamHost* const other = pool.Intern({.tls = false, .host = "b.test", .port = 80, .path = "", .host_header = ""});
  EXPECT_TRUE(pool.TakeSlot(other)) << "another host has its own";
  first.Free();
  EXPECT_TRUE(pool.TakeSlot(host));
}

TEST_F(SlotWaitTest, IsServedInOrderByWhatComesFree) {
  UpstreamSlot first = pool.TakeSlot(host);
  UpstreamSlot second = pool.TakeSlot(host);
  SlotWait a = For(host);
  SlotWait b = For(host);
  SlotWait c = For(host);
  Wait(&a, "a", &served);
  Wait(&b, "b", &served);
  Wait(&c, "c", &served);
  EXPECT_EQ(counters.waiting.value(), 3u);
  Listener listener;
  auto [connection, peer] = Connected(listener);
  pool.Return(host, connection, std::move(first));
  EXPECT_EQ(pool.idle_count(), 0u) << "it goes to who waits";
  second.Free();
  EXPECT_FALSE(pool.TakeSlot(host)) << "nobody goes ahead of those who wait";
  RunReady();
  EXPECT_EQ(served, (std::vector<std::string>{"a idle", "b slot"}));
  b.slot.Free();
  RunReady();
  EXPECT_EQ(served.back(), "c slot");
  EXPECT_EQ(counters.open.value(), 2u);
  EXPECT_EQ(counters.waiting.value(), 0u);
}

TEST_F(SlotWaitTest, WhoLeavesOrHasWaitedEnoughGetsNothing) {
  UpstreamSlot first = pool.TakeSlot(host);
  UpstreamSlot second = pool.TakeSlot(host);
  SlotWait leaves = For(host);
  SlotWait waits = For(host);
  Wait(&leaves, "leaves", &served);
  Wait(&waits, "waits", &served);
  leaves.Cancel();
  EXPECT_TRUE(served.empty()) << "not from within Cancel";
  clock.Turn(absl::Seconds(3));
  LookAtDeadlines();
  RunReady();
  EXPECT_EQ(served, (std::vector<std::string>{"leaves nothing", "waits nothing"}));
  EXPECT_EQ(counters.waiting.value(), 0u);
  first.Free();
  EXPECT_EQ(counters.open.value(), 1u);
}

TEST_F(SlotWaitTest, AnIdleConnectionServesAtOnce) {
  Listener listener;
  auto [connection, peer] = Connected(listener);
  pool.Return(host, connection, pool.TakeSlot(host));
  SlotWait wait = For(host);
  Wait(&wait, "a", &served);
  EXPECT_EQ(served, std::vector<std::string>{"a idle"});
}

TEST(IdleTime, IsASecondLessThanTheProviderSays) {
  const struct {
    std::string_view field;
    absl::Duration time;
  } cases[] = {{"", UpstreamPool::kIdleTime},
               {"timeout=5", absl::Seconds(4)},
               {"timeout=5, max=1000", absl::Seconds(4)},
               {"max=3 , Timeout = \"20\"", absl::Seconds(19)},
               {"timeout=1", absl::ZeroDuration()},
               {"timeout=0", absl::ZeroDuration()},
               {"timeout=3600", UpstreamPool::kIdleTime},
               {"timeout=99999999999", UpstreamPool::kIdleTime},
               {"timeout=-1", UpstreamPool::kIdleTime},
               {"timeout=", UpstreamPool::kIdleTime},
               {"timeout,,=,5", UpstreamPool::kIdleTime},
               {"max=5", UpstreamPool::kIdleTime}};
  for (const auto& c : cases) EXPECT_EQ(IdleTime(c.field), c.time) << c.field;
}

}  // namespace
}  // namespace chain429
