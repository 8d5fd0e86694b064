#include "controlplane/fleet/registry.h"

#include "tests/controlplane/fleet/registry_fixture.h"

namespace chain429 {
namespace {

TEST_F(RegistryTest, AHelloIsTheFirstMessageOfAStreamAndOnlyTheFirst) {
  FakeProxy proxy = MakeProxy("a");
  EXPECT_TRUE(absl::IsInvalidArgument(Send(proxy, wire::PermitsUp())));
  v1::SyncUp usage;
  usage.mutable_usage();
  EXPECT_TRUE(absl::IsInvalidArgument(Send(proxy, usage)));
  EXPECT_TRUE(AttachPermits(proxy).ok());
  EXPECT_TRUE(AttachSync(proxy).ok());
  EXPECT_TRUE(absl::IsInvalidArgument(AttachPermits(proxy)));
  EXPECT_TRUE(absl::IsInvalidArgument(AttachSync(proxy)));
}

TEST_F(RegistryTest, ABootWithoutAProperIdIsRefused) {
  for (const std::string& boot_id : {std::string(), std::string(10'000, 'x')}) {
    FakeProxy proxy = MakeProxy(boot_id);
    EXPECT_TRUE(absl::IsInvalidArgument(AttachPermits(proxy)));
    EXPECT_TRUE(absl::IsInvalidArgument(AttachSync(proxy)));
  }
  EXPECT_TRUE(registry_.Proxies(now()).empty());
}

TEST_F(RegistryTest, AStreamThatWasRefusedEndsWithoutATrace) {
  FakeProxy proxy = MakeProxy("");
  EXPECT_FALSE(AttachPermits(proxy).ok());
  EXPECT_FALSE(AttachSync(proxy).ok());
  registry_.OnWritable(proxy.permits.get());
  registry_.OnWritable(proxy.sync.get());
  Lose(proxy);
  EXPECT_EQ(registry_.attached(), 0u);
}

TEST_F(RegistryTest, AMessageThatThisReleaseDoesNotKnowIsIgnored) {
  FakeProxy proxy = Attach("a");
  EXPECT_TRUE(Send(proxy, v1::SyncUp()).ok());
}

TEST_F(RegistryTest, ShowsPeopleWhatItKnowsOfEveryProxy) {
  registry_.SetSnapshot(MakeSnapshot(7), now());
  FakeProxy b = Attach("b");
  Pass(absl::Seconds(5));
  FakeProxy a = Attach("a");
  v1::SyncUp ack;
  ack.mutable_ack()->set_nonce(1);
  ack.mutable_ack()->set_version(7);
  ASSERT_TRUE(Send(b, ack).ok());
  Pass(absl::Seconds(2));
  const std::vector<ProxyView> proxies = registry_.Proxies(now());
  ASSERT_EQ(proxies.size(), 2u);
  EXPECT_EQ(registry_.attached(), 2u);
  EXPECT_EQ(proxies[0].boot_id, "a");
  EXPECT_EQ(proxies[0].acknowledged, Version(0));
  EXPECT_EQ(proxies[0].in_this_state, absl::Seconds(2));
  EXPECT_EQ(proxies[1].node, "node-b");
  EXPECT_EQ(proxies[1].advertise, "10.0.0.7:4290");
  EXPECT_EQ(proxies[1].software_version, "1.2.3");
  EXPECT_EQ(proxies[1].acknowledged, Version(7));
  EXPECT_TRUE(proxies[1].attached);
  EXPECT_EQ(proxies[1].in_this_state, absl::Seconds(7));
}

TEST_F(RegistryTest, AProxyThatWentIsShownAsAwayForTenMinutes) {
  FakeProxy proxy = Attach("a");
  Pass(absl::Hours(1));
  Lose(proxy);
  EXPECT_EQ(registry_.attached(), 0u);
  Pass(absl::Minutes(3));
  EXPECT_FALSE(ViewOf("a").attached);
  EXPECT_EQ(ViewOf("a").in_this_state, absl::Minutes(3));
  Pass(absl::Minutes(8));
  EXPECT_TRUE(registry_.Proxies(now()).empty());
}

TEST_F(RegistryTest, AProxyThatHasOnlyItsSyncStreamYetIsShownAsNotAttachedSinceItCame) {
  FakeProxy proxy = MakeProxy("a");
  ASSERT_TRUE(AttachSync(proxy).ok());
  Pass(absl::Seconds(3));
  EXPECT_FALSE(ViewOf("a").attached);
  EXPECT_EQ(ViewOf("a").in_this_state, absl::Seconds(3));
  registry_.OnEnd(proxy.sync.get(), now());
  EXPECT_EQ(ViewOf("a").boot_id, "a") << "it was here a moment ago";
}

TEST_F(RegistryTest, UsageOfAllProxiesIsAddedUpByTheTargetsName) {
  const auto report = [](uint64_t target, const std::string& name, uint64_t attempts, uint64_t tokens) {
    v1::SyncUp up;
    v1::TargetUsage* usage = up.mutable_usage()->add_targets();
    usage->set_target(target);
    usage->set_name(name);
    usage->set_attempts(attempts);
    usage->set_ok(attempts - 1);
    usage->set_rate_limited(1);
    usage->set_skipped(2);
    usage->set_prompt_tokens(tokens);
    usage->set_completion_tokens(tokens + 1);
    return up;
  };
  FakeProxy a = Attach("a");
  FakeProxy b = Attach("b");
  ASSERT_TRUE(Send(a, report(11, "p/m1", 3, 100)).ok());
  ASSERT_TRUE(Send(a, report(11, "p/m1", 5, 200)).ok());
  ASSERT_TRUE(Send(a, report(12, "p/m2", 1, 1)).ok());
  ASSERT_TRUE(Send(b, report(11, "p/m1", 10, 1000)).ok());
  Lose(b);
  const std::vector<v1::TargetUsage> usage = registry_.Usage();
  ASSERT_EQ(usage.size(), 2u);
  EXPECT_EQ(usage[0].name(), "p/m1");
  EXPECT_EQ(usage[0].attempts(), 15u);
  EXPECT_EQ(usage[0].ok(), 13u);
  EXPECT_EQ(usage[0].rate_limited(), 2u);
  EXPECT_EQ(usage[0].skipped(), 4u);
  EXPECT_EQ(usage[0].prompt_tokens(), 1200u);
  EXPECT_EQ(usage[0].completion_tokens(), 1202u);
  EXPECT_EQ(usage[1].attempts(), 1u);
}

TEST_F(RegistryTest, TheEndOfTheControlPlaneEndsEveryStreamWithTheReason) {
  FakeProxy a = Attach("a");
  FakeProxy b = Attach("b");
  registry_.EndStreams("the control plane is stopping");
  for (const FakeProxy* proxy : {&a, &b}) {
    EXPECT_EQ(proxy->permits->ended, "the control plane is stopping");
    EXPECT_EQ(proxy->sync->ended, "the control plane is stopping");
  }
}

TEST_F(RegistryTest, NoLogLineHoldsAKey) {
  registry_.SetSnapshot(MakeSnapshot(7), now());
  FakeProxy proxy = Attach("a");
  v1::SyncUp nack;
  nack.mutable_nack()->set_nonce(1);
  nack.mutable_nack()->set_error("providers[0].credentials[0]: bad");
  ASSERT_TRUE(Send(proxy, nack).ok());
  Lose(proxy);
  EXPECT_NE(log_.Text().find("proxy attached"), std::string::npos);
  EXPECT_NE(log_.Text().find("providers[0].credentials[0]: bad"), std::string::npos);
  EXPECT_NE(log_.Text().find("proxy detached"), std::string::npos);
  EXPECT_EQ(log_.Text().find(kKey), std::string::npos);
}

}  // namespace
}  // namespace chain429
