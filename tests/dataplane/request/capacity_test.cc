#include "dataplane/request/capacity.h"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "tests/dataplane/request/snapshot_for_tests.h"

namespace chain429 {
namespace {

using Json = nlohmann::json;

LimitState Rpm(int64_t amount, int64_t remaining, std::vector<Recovery> recoveries = {}) {
  return {.window = absl::Minutes(1), .amount = amount, .remaining = remaining, .recoveries = std::move(recoveries)};
}

// A chain over two accounts, each with a key; the proxy is attached.
class ChainCapacityTest : public testing::Test {
 protected:
  ChainCapacityTest() {
    made.AddProvider("a", {"main"});
    made.AddProvider("b", {"main"});
    std::vector<uint32_t> targets;
    for (uint32_t i = 0; i < 2; ++i) targets.push_back(made.AddTargets(i, "m").front());
    made.AddChain("coding", targets);
    auto built = RouteTable::Build(made.Done(), upstreams);
    EXPECT_TRUE(built.ok()) << built.status();
    table = *std::move(built);
    LinkMail mail;
    mail.status = LinkMail::Status::kAttached;
    desk.OnMail(mail, now);
  }
  PoolId Quota(size_t target) { return made->targets[target].pools.front(); }
  void Tell(size_t target, std::vector<LimitState> limits) {
    LinkMail mail;
    PoolState& state = mail.pools.emplace_back();
    state.pool = Quota(target);
    state.limited = true;
    state.limits = std::move(limits);
    desk.OnMail(mail, now);
  }
  Capacity Sum(const std::string& model = "coding") { return CapacityOf(desk, *table->Resolve(model), now); }
  Json Told() { return Json::parse(CapacityJson(desk, table->snapshot(), *table->Resolve("coding"), now)); }

  SnapshotForTests made;
  PermitDesk desk{0};
  MonoTime now = MonoTime::FromNanos(1'000'000'000'000);
  boost::asio::io_context io{1};
  SystemClock clock;
  DeadlineQueue deadlines{io, clock};
  UpstreamCounters counters;
  UpstreamPool upstreams{io, deadlines, clock, counters, {}};
  std::unique_ptr<RouteTable> table;
};

TEST_F(ChainCapacityTest, UntilBothAreKnownNothingIsSaid) {
  EXPECT_FALSE(IsKnown(Sum()));
  Tell(0, {Rpm(30, 12)});
  EXPECT_FALSE(IsKnown(Sum())) << "the other may be called as often as one likes";
  Tell(1, {Rpm(10, 9)});
  EXPECT_EQ(Sum().requests.limit, 40);
  EXPECT_EQ(Sum().requests.remaining, 21);
  EXPECT_EQ(Sum("a/m").requests.remaining, 12) << "of the one that is named";
}

TEST_F(ChainCapacityTest, ATargetWhoseKeysAreRefusedCountsForNothing) {
  Tell(0, {Rpm(30, 12)});
  desk.Close(made->providers[1].credentials[0].pool, Closure::kAuth, absl::Minutes(5), true, now);
  EXPECT_EQ(Sum().requests.limit, 30);
  now = now + absl::Minutes(5);
  EXPECT_FALSE(IsKnown(Sum())) << "it may be tried again";
}

TEST_F(ChainCapacityTest, AModelThatIsNotThereCountsForNothingAndAClosedAccountForZero) {
  Tell(0, {Rpm(30, 12)});
  Tell(1, {Rpm(10, 9)});
  desk.Close(Quota(0), Closure::kRateLimited, absl::Seconds(90), true, now);
  EXPECT_EQ(Sum().requests.limit, 40);
  EXPECT_EQ(Sum().requests.remaining, 9);
  EXPECT_EQ(Sum().requests.reset, absl::Seconds(90));
  desk.Close(made->targets[1].pools.back(), Closure::kModelUnavailable, absl::Minutes(9), true, now);
  EXPECT_EQ(Sum().requests.limit, 30);
  EXPECT_EQ(Sum().requests.remaining, 0);
}

TEST_F(ChainCapacityTest, TellsEveryTargetPoolAndLimitAndWhatRecoversNext) {
  Tell(0, {Rpm(30, 0, {{absl::Seconds(9), 20}, {absl::Seconds(41), 30}}),
           {.unit = Unit::kConcurrency, .window = {}, .amount = 4, .remaining = 3, .recoveries = {}}});
  Tell(1, {Rpm(10, 9, {{absl::Seconds(20), 10}})});
  now = now + absl::Seconds(1);
  desk.Close(Quota(1), Closure::kQuotaExhausted, absl::Seconds(50), true, now);
  const Json told = Told();
  EXPECT_EQ(told["object"], "chain.capacity");
  EXPECT_EQ(told["chain"], "coding");
  EXPECT_EQ(told["connected"], true);
  EXPECT_EQ(told["requests"], (Json{{"limit", 40}, {"remaining", 0}, {"reset_s", 50}}));
  EXPECT_TRUE(told["tokens"].is_null());
  EXPECT_EQ(told["opens_in_s"], 8) << "the first of the two";
  EXPECT_EQ(told["targets"][0],
            (Json{{"target", "a/m"}, {"state", "exhausted"}, {"opens_in_s", 8}, {"pools", {"a/main"}}}));
  EXPECT_EQ(told["targets"][1], (Json{{"target", "b/m"},
                                      {"state", "closed"},
                                      {"closure", "quota_exhausted"},
                                      {"opens_in_s", 50},
                                      {"pools", {"b/main"}}}));
  EXPECT_EQ(told["pools"][0]["as_of_s"], 1);
  EXPECT_EQ(told["pools"][0]["limits"][0], (Json{{"unit", "requests"},
                                                 {"window_s", 60},
                                                 {"kind", "sliding"},
                                                 {"amount", 30},
                                                 {"remaining", 0},
                                                 {"frees_in_s", 8},
                                                 {"full_in_s", 40}}));
  EXPECT_EQ(told["pools"][0]["limits"][1], (Json{{"unit", "concurrency"}, {"amount", 4}, {"remaining", 3}}));
  EXPECT_EQ(told["pools"][1]["closed_for_s"], 50);
  ASSERT_EQ(told["recoveries"].size(), 3u) << "of each limit the next";
  EXPECT_EQ(told["recoveries"][0],
            (Json{{"in_s", 8}, {"pool", "a/main"}, {"unit", "requests"}, {"window_s", 60}, {"remaining", 20}}));
  EXPECT_EQ(told["recoveries"][1]["in_s"], 19);
  EXPECT_EQ(told["recoveries"][2], (Json{{"in_s", 50}, {"pool", "b/main"}, {"opens", true}}));
}

TEST_F(ChainCapacityTest, WithoutAControlPlaneItSaysSo) {
  Tell(0, {Rpm(30, 12)});
  LinkMail mail;
  mail.status = LinkMail::Status::kDetached;
  desk.OnMail(mail, now);
  const Json told = Told();
  EXPECT_EQ(told["connected"], false);
  EXPECT_EQ(told["pools"][0]["limits"][0]["remaining"], 12);
  EXPECT_EQ(told["targets"][1]["state"], "open") << "nothing is known to limit it";
}

TEST_F(ChainCapacityTest, PermitsAtHandAreStillToBeUsed) {
  Tell(0, {Rpm(3000, 2990)});
  Tell(1, {Rpm(10, 10)});
  Acquire acquire;
  acquire.candidates.push_back(table->Resolve("coding")->routes[0].ToCandidate());
  class Ignoring : public AcquireWaiter {
    void OnAcquireAnswer(const AcquireAnswer*) override {}
  } waiter;
  LinkMail mail;
  AcquireAnswer& answer = mail.answers.emplace_back();
  answer.acquire = desk.Ask(std::move(acquire), &waiter, now);
  answer.granted = true;
  answer.permit = {.acquire = answer.acquire,
                   .id = PermitId(1),
                   .target = made->targets[0].id,
                   .ttl = absl::Seconds(8),
                   .spares = 9};
  desk.OnMail(mail, now);
  EXPECT_EQ(Sum().requests.remaining, 3009);
  desk.Take(made->targets[0], Gate::kSpare, 0, now);
  EXPECT_EQ(Sum().requests.remaining, 3008);
}

}  // namespace
}  // namespace chain429
