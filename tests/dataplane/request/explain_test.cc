#include "dataplane/request/explain.h"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/dataplane/request/snapshot_for_tests.h"

namespace chain429 {
namespace {

using Json = nlohmann::json;
using Words = std::vector<std::string>;

// A chain over three providers, the second limited to 30 a minute; the proxy is attached.
class ExplainTest : public testing::Test {
 protected:
  ExplainTest() {
    made.AddProvider("first", {"a"});
    made.AddProvider("limited").limits = {
        {.unit = Unit::kRequests, .amount = 30, .window = {}, .provenance = Provenance::kConfigured}};
    made.AddProvider("last");
    made.ServesCanonical(2, "m", "shared-m", 8192);
    std::vector<uint32_t> targets;
    for (uint32_t i = 0; i < 3; ++i) targets.push_back(made.AddTargets(i, "m").front());
    made.AddChain("coding", targets, {"gpt-4o"});
    made->default_chain = "coding";
    LinkMail mail;
    mail.status = LinkMail::Status::kAttached;
    mail.pools.emplace_back().pool = QuotaPool(0);
    desk.OnMail(mail, now);
  }
  Json Explained(const std::string& model = "coding") {
    if (table == nullptr) {
      auto built = RouteTable::Build(made.Done(), upstreams);
      EXPECT_TRUE(built.ok()) << built.status();
      table = *std::move(built);
    }
    Explanation explanation = Explain(desk, table->snapshot(), *table->Resolve(model), model, 100, now);
    passed = std::move(explanation.passed);
    return Json::parse(explanation.json);
  }
  Words Would(const std::string& model = "coding") {
    Words words;
    const Json told = Explained(model);
    for (const Json& target : told["targets"]) words.push_back(target["would"]);
    return words;
  }
  PoolId QuotaPool(size_t target) { return made->targets[target].pools.front(); }
  void TellRemaining(size_t target, int64_t requests) {
    LinkMail mail;
    mail.pools.emplace_back();
    mail.pools.back().pool = QuotaPool(target);
    mail.pools.back().limited = true;
    mail.pools.back().limits.push_back(
        {.window = absl::Minutes(1), .amount = 30, .remaining = requests, .recoveries = {}});
    desk.OnMail(mail, now);
  }

  SnapshotForTests made;
  PermitDesk desk{0};
  MonoTime now = MonoTime::FromNanos(1'000'000'000'000);
  boost::asio::io_context io{1};
  SystemClock clock;
  DeadlineQueue deadlines{io, clock};
  UpstreamCounters counters;
  UpstreamPool upstreams{io, deadlines, clock, counters, {}};
  std::unique_ptr<RouteTable> table;
  Hops passed;
};

TEST_F(ExplainTest, TellsTheWalkWithoutTakingAnything) {
  const Json told = Explained();
  EXPECT_EQ(told["object"], "429chain.explanation");
  EXPECT_EQ(told["chain"], "coding");
  EXPECT_EQ(told["first"], "first/m");
  EXPECT_TRUE(told["retry_after_s"].is_null());
  EXPECT_EQ(Would(), (Words{"attempt", "attempt", "attempt"}));
  EXPECT_EQ(told["targets"][0]["needs_permit"], false);
  EXPECT_EQ(told["targets"][1]["needs_permit"], true);
  EXPECT_EQ(told["targets"][1]["pools"][0]["limits"][0],
            (Json{{"unit", "requests"}, {"amount", 30}, {"window_s", 60}}));
  EXPECT_EQ(told["targets"][2]["context_length"], 8192);
  EXPECT_TRUE(desk.TakeMail(now, true).empty()) << "the control plane is not asked";
}

TEST_F(ExplainTest, TellsWhatIsPassedOverAndUntilWhen) {
  Explained();
  desk.Close(QuotaPool(0), Closure::kRateLimited, absl::Seconds(42), true, now);
  TellRemaining(1, 0);
  const Json told = Explained();
  EXPECT_EQ(Would(), (Words{"skipped_cooldown", "skipped_quota", "attempt"}));
  EXPECT_EQ(told["targets"][0]["opens_in_s"], 42);
  EXPECT_EQ(told["targets"][0]["reason"], "closed: rate_limited");
  EXPECT_EQ(told["targets"][0]["pools"][0]["closed_for_s"], 42);
  EXPECT_EQ(told["targets"][1]["pools"][0]["remaining_requests"], 0);
  EXPECT_EQ(told["first"], "last/m");
  ASSERT_EQ(passed.size(), 2u);
  EXPECT_EQ(passed[1].outcome, Outcome::kSkippedQuota);
}

TEST_F(ExplainTest, WithNothingLeftItTellsWhenSomethingOpens) {
  Explained();
  desk.Close(QuotaPool(0), Closure::kAuth, absl::Seconds(5), true, now);
  desk.Close(QuotaPool(1), Closure::kRateLimited, absl::Seconds(30), true, now);
  desk.Close(QuotaPool(2), Closure::kQuotaExhausted, absl::Hours(3), true, now);
  const Json told = Explained();
  EXPECT_TRUE(told["first"].is_null());
  EXPECT_EQ(told["retry_after_s"], 30) << "of those that wait for a limit";
}

TEST_F(ExplainTest, ATargetWithoutAKeyIsUnfit) {
  made->providers[0].credentials[0].usable = false;
  const Json told = Explained();
  EXPECT_EQ(told["targets"][0]["would"], "skipped_unfit");
  EXPECT_EQ(told["targets"][0]["reason"], "no key for it is at hand");
  EXPECT_TRUE(told["targets"][0]["opens_in_s"].is_null());
}

TEST_F(ExplainTest, WhatMaxAttemptsCutsOffIsNotReached) {
  made->chains[0].max_attempts = 1;
  EXPECT_EQ(Would(), (Words{"attempt", "not_reached", "not_reached"}));
}

TEST_F(ExplainTest, TellsHowTheModelWasResolved) {
  for (const auto& [model, by] : std::vector<std::pair<std::string, std::string>>{{"coding", "chain"},
                                                                                  {"gpt-4o", "alias"},
                                                                                  {"last/other", "provider/model"},
                                                                                  {"shared-m", "canonical"},
                                                                                  {"un\"known", "default_chain"}}) {
    const Json told = Explained(model);
    EXPECT_EQ(told["resolved_by"], by) << model;
    EXPECT_EQ(told["model"], model);
  }
}

TEST(WantsExplanation, OnlyWhereTheQuerySaysSo) {
  for (const char* target : {"/p?explain=1", "/p?a=b&explain=1", "/p?explain=1&a=b", "/p?explain=true", "/p?explain"})
    EXPECT_TRUE(WantsExplanation(target)) << target;
  for (const char* target :
       {"/p", "/p?", "/p?explain=0", "/p?explain=", "/p?xexplain=1", "/explain=1", "/p?a=explain=1"})
    EXPECT_FALSE(WantsExplanation(target)) << target;
}

}  // namespace
}  // namespace chain429
