#include "controlplane/api/admin_service.h"

#include "common/base/version.h"
#include "tests/controlplane/api/admin_fixture.h"

namespace chain429 {
namespace {

using AdminServiceTest = AdminTest;

TEST_F(AdminServiceTest, BeforeAnyConfigurationTheStatusSaysThatThereIsNone) {
  clock_.now.mono = clock_.now.mono + absl::Seconds(90);
  const v1::GetStatusResponse status = service_.GetStatus();
  EXPECT_EQ(status.software_version(), kSoftwareVersion);
  EXPECT_EQ(status.epoch(), 9u);
  EXPECT_EQ(status.snapshot_version(), 0u);
  EXPECT_EQ(status.uptime_ns(), absl::ToInt64Nanoseconds(absl::Seconds(90)));
  EXPECT_EQ(status.proxies(), 0u);
  EXPECT_EQ(status.last_reload_error(), "");
  EXPECT_EQ(status.chains_size() + status.warnings_size(), 0);
  EXPECT_EQ(service_.GetConfig().text(), "");
  EXPECT_EQ(service_.GetConfig().snapshot_version(), 0u);
  EXPECT_EQ(service_.ListPools("").pools_size(), 0);
  EXPECT_EQ(service_.ListProxies().proxies_size(), 0);
}

TEST_F(AdminServiceTest, AnAppliedConfigurationServesAtOnce) {
  const v1::ApplyConfigResponse applied = Apply(GoodText());
  EXPECT_EQ(applied.problems_size(), 0);
  EXPECT_EQ(applied.snapshot_version(), 101u);
  const v1::GetStatusResponse status = service_.GetStatus();
  EXPECT_EQ(status.snapshot_version(), 101u);
  EXPECT_EQ(status.config_source(), "c.yaml");
  ASSERT_EQ(status.chains_size(), 1);
  EXPECT_EQ(status.chains(0).name(), "coding");
  ASSERT_EQ(status.chains(0).aliases_size(), 1);
  EXPECT_EQ(status.chains(0).aliases(0), "gpt-4o");
  ASSERT_EQ(status.chains(0).targets_size(), 2);
  EXPECT_EQ(status.chains(0).targets(0), "keyed/big");
  EXPECT_EQ(status.chains(0).targets(1), "mine/small");
  EXPECT_EQ(service_.GetConfig().text(), GoodText());
  EXPECT_EQ(service_.GetConfig().name(), "c.yaml");
  EXPECT_EQ(service_.GetConfig().snapshot_version(), 101u);
  ASSERT_EQ(loads_.size(), 1u);
  EXPECT_TRUE(loads_[0].changed);
}

TEST_F(AdminServiceTest, ARefusedConfigurationNamesEveryErrorAndChangesNothing) {
  Apply(GoodText());
  const v1::ApplyConfigResponse refused = Apply(
      "version: 1\n"
      "providers: {mine: {kind: opnai, base_url: 'http://127.0.0.1:1/v1'}}\n"
      "chains: {coding: {targets: [{provider: mien, model: m}]}}\n",
      "new.yaml");
  EXPECT_EQ(refused.snapshot_version(), 0u) << "nothing was applied";
  ASSERT_EQ(refused.problems_size(), 2);
  const v1::ConfigProblem& kind = refused.problems(0);
  EXPECT_EQ(kind.file(), "new.yaml");
  EXPECT_EQ(kind.line(), 2u);
  EXPECT_EQ(kind.column(), 26u);
  EXPECT_EQ(kind.path(), "providers.mine.kind");
  EXPECT_EQ(kind.suggestion(), "openai");
  EXPECT_NE(kind.message(), "");
  EXPECT_FALSE(kind.warning());
  EXPECT_EQ(refused.problems(1).line(), 3u);
  EXPECT_EQ(refused.problems(1).path(), "chains.coding.targets[0].provider");
  EXPECT_EQ(refused.problems(1).suggestion(), "mine");
  const v1::GetStatusResponse status = service_.GetStatus();
  EXPECT_EQ(status.snapshot_version(), 101u);
  EXPECT_EQ(status.config_source(), "c.yaml");
  EXPECT_EQ(status.last_reload_error(), "") << "nothing on disk is wrong";
  EXPECT_EQ(service_.GetConfig().text(), GoodText());
}

TEST_F(AdminServiceTest, AWarningIsShownWithItsPlaceAndRefusesNothing) {
  std::string text = GoodText();
  text.replace(text.find("env: KEY"), 8, "env: MISSING");
  const v1::ApplyConfigResponse applied = Apply(text);
  ASSERT_EQ(applied.problems_size(), 1);
  EXPECT_TRUE(applied.problems(0).warning());
  EXPECT_NE(applied.problems(0).message().find("\"MISSING\""), std::string::npos);
  EXPECT_EQ(applied.snapshot_version(), 101u);
  const v1::GetStatusResponse status = service_.GetStatus();
  ASSERT_EQ(status.warnings_size(), 1);
  EXPECT_EQ(status.warnings(0).find("c.yaml:4:"), 0u) << status.warnings(0);
}

TEST_F(AdminServiceTest, ATextWithoutANameIsCalledSomething) {
  EXPECT_EQ(Apply("version: 7\n", "").problems(0).file(), "api.yaml");
  EXPECT_EQ(Apply(GoodText(), "").problems_size(), 0);
  EXPECT_EQ(service_.GetStatus().config_source(), "api.yaml");
}

TEST_F(AdminServiceTest, ValidatingAppliesNothing) {
  v1::ValidateConfigRequest request;
  request.set_name("draft.yaml");
  request.set_text(GoodText());
  EXPECT_EQ(service_.Validate(request).problems_size(), 0);
  request.set_text("version: 1\nchainz: {}\n");
  const v1::ValidateConfigResponse refused = service_.Validate(request);
  ASSERT_EQ(refused.problems_size(), 1);
  EXPECT_EQ(refused.problems(0).file(), "draft.yaml");
  EXPECT_EQ(refused.problems(0).line(), 2u);
  EXPECT_EQ(refused.problems(0).suggestion(), "chains");
  EXPECT_EQ(service_.GetStatus().snapshot_version(), 0u);
  EXPECT_EQ(service_.GetStatus().last_reload_error(), "");
  EXPECT_TRUE(loads_.empty());
}

TEST_F(AdminServiceTest, TheSnapshotOfWhatServesHasNoKeyInIt) {
  EXPECT_EQ(service_.GetSnapshot().snapshot_version(), 0u) << "none yet";
  Apply(GoodText());
  const v1::GetSnapshotResponse response = service_.GetSnapshot();
  EXPECT_EQ(response.snapshot_version(), 101u);
  EXPECT_NE(response.text().find("gpt-4o"), std::string::npos);
  EXPECT_EQ(response.text().find(kKey), std::string::npos);
  ASSERT_EQ(response.notes_size(), 1);
  EXPECT_NE(response.notes(0).find("\"main\" of \"keyed\""), std::string::npos);
}

TEST_F(AdminServiceTest, WhyAConfigurationIsAppliedIsPassedOn) {
  v1::ApplyConfigRequest request;
  request.set_text(GoodText());
  request.set_comment("second account");
  service_.Apply(request);
  ASSERT_EQ(loads_.size(), 1u);
  EXPECT_EQ(loads_[0].comment, "second account");
}

TEST_F(AdminServiceTest, ListsPoolsByTheBeginningOfTheirNameWithTheirLimits) {
  Apply(GoodText());
  const v1::ListPoolsResponse all = service_.ListPools("");
  EXPECT_GE(all.pools_size(), 4);
  for (int i = 1; i < all.pools_size(); ++i) EXPECT_LT(all.pools(i - 1).key(), all.pools(i).key());
  const v1::ListPoolsResponse some = service_.ListPools("keyed/main");
  ASSERT_GE(some.pools_size(), 1);
  const v1::PoolInfo& pool = some.pools(0);
  EXPECT_EQ(pool.key(), "keyed/main");
  EXPECT_EQ(pool.id(), StableId("keyed/main"));
  EXPECT_EQ(pool.closure(), v1::CLOSURE_NONE);
  ASSERT_EQ(pool.limits_size(), 1);
  EXPECT_EQ(pool.limits(0).limit().amount(), 30);
  EXPECT_EQ(pool.limits(0).limit().unit(), v1::UNIT_REQUESTS);
  EXPECT_EQ(pool.limits(0).limit().window_ns(), absl::ToInt64Nanoseconds(absl::Minutes(1)));
  EXPECT_EQ(pool.limits(0).used(), 0);
  EXPECT_EQ(service_.ListPools("nothing-begins-so").pools_size(), 0);
}

TEST_F(AdminServiceTest, AClosedPoolIsShownAndOpenedByHand) {
  Apply(GoodText());
  ClosePool("keyed/main", absl::Seconds(42));
  const v1::PoolInfo closed = service_.ListPools("keyed/main").pools(0);
  EXPECT_EQ(closed.closure(), v1::CLOSURE_RATE_LIMITED);
  EXPECT_EQ(closed.closed_for_ns(), absl::ToInt64Nanoseconds(absl::Seconds(42)));
  EXPECT_TRUE(closed.authoritative());
  v1::ClearCooldownResponse response;
  EXPECT_TRUE(service_.ClearCooldown("keyed/main", response));
  EXPECT_TRUE(response.was_closed());
  EXPECT_EQ(service_.ListPools("keyed/main").pools(0).closure(), v1::CLOSURE_NONE);
  EXPECT_TRUE(service_.ClearCooldown("keyed/main", response));
  EXPECT_FALSE(response.was_closed()) << "it is open already";
  EXPECT_FALSE(service_.ClearCooldown("no-such-pool", response));
}

TEST_F(AdminServiceTest, ListsProxiesAndCountsThoseThatAreAttached) {
  AttachProxy("a");
  clock_.now.mono = clock_.now.mono + absl::Seconds(5);
  AttachProxy("b");
  EXPECT_EQ(service_.GetStatus().proxies(), 2u);
  const v1::ListProxiesResponse response = service_.ListProxies();
  ASSERT_EQ(response.proxies_size(), 2);
  EXPECT_EQ(response.proxies(0).node(), "node-a");
  EXPECT_EQ(response.proxies(0).boot_id(), "a");
  EXPECT_TRUE(response.proxies(0).attached());
  EXPECT_EQ(response.proxies(0).attached_for_ns(), absl::ToInt64Nanoseconds(absl::Seconds(5)));
  EXPECT_EQ(response.proxies(1).attached_for_ns(), 0);
}

TEST_F(AdminServiceTest, NoAnswerHoldsAKey) {
  Apply(GoodText());
  fleet_.Run([&](const Now&) {
    ASSERT_NE(registry_.snapshot(), nullptr);
    EXPECT_EQ(registry_.snapshot()->providers[1].credentials[0].key.Reveal(), kKey) << "it is in use";
  });
  const std::string answers = service_.GetStatus().DebugString() + service_.GetConfig().DebugString() +
                              service_.ListPools("").DebugString() + service_.ListProxies().DebugString() +
                              service_.Metrics();
  EXPECT_EQ(answers.find(kKey), std::string::npos);
}

TEST_F(AdminServiceTest, AnswersAlthoughTheFleetHasStopped) {
  Apply(GoodText());
  fleet_.Stop();
  EXPECT_EQ(service_.GetStatus().snapshot_version(), 101u);
  EXPECT_EQ(service_.ListPools("").pools_size(), 0);
  v1::ClearCooldownResponse response;
  EXPECT_FALSE(service_.ClearCooldown("keyed/main", response));
}

}  // namespace
}  // namespace chain429
