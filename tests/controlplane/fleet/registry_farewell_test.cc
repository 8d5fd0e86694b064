// Proxies that go: on purpose, or lost.
#include "tests/controlplane/fleet/registry_fixture.h"

namespace chain429 {
namespace {

class RegistryFarewell : public RegistryTest {
 protected:
  RegistryFarewell() { registry_.SetSnapshot(MakeSnapshot(7, 20), now()); }

  absl::Status SayGoodbye(FakeProxy& proxy) {
    v1::SyncUp up;
    up.mutable_goodbye()->set_reason("SIGTERM");
    return Send(proxy, up);
  }
};

TEST_F(RegistryFarewell, OfAProxyThatIsLostItsShareStaysReserved) {
  FakeProxy proxy = Attach("a");
  EXPECT_EQ(LimitNow().used, 0);
  Lose(proxy);
  EXPECT_GT(LimitNow().used, 0) << "it goes on without us";
  Pass(absl::Minutes(5));
  EndTurn();
  EXPECT_EQ(LimitNow().used, 0) << "by then it has gone, or its window has";
}

TEST_F(RegistryFarewell, OfAProxyThatSaysGoodbyeNothingStaysReserved) {
  FakeProxy proxy = Attach("a");
  ASSERT_TRUE(Ask(proxy, 1).granted());
  EXPECT_EQ(LimitNow().used, 1);
  ASSERT_TRUE(SayGoodbye(proxy).ok());
  EXPECT_EQ(LimitNow().used, 1) << "what it still reports comes first";
  Lose(proxy);
  EXPECT_EQ(LimitNow().used, 0);
}

TEST_F(RegistryFarewell, TheStreamsOfAGoodbyeMayEndInEitherOrder) {
  FakeProxy proxy = Attach("a");
  registry_.OnEnd(proxy.permits.get(), now());
  EndTurn();
  EXPECT_GT(LimitNow().used, 0);
  ASSERT_TRUE(SayGoodbye(proxy).ok());
  EndTurn();
  EXPECT_EQ(LimitNow().used, 0);
  registry_.OnEnd(proxy.sync.get(), now());
  EXPECT_TRUE(ViewOf("a").boot_id == "a" && !ViewOf("a").attached);
}

TEST_F(RegistryFarewell, WhatIsReportedAfterTheGoodbyeCounts) {
  FakeProxy proxy = Attach("a");
  const v1::AcquireAnswer answer = Ask(proxy, 1);
  ASSERT_TRUE(SayGoodbye(proxy).ok());
  wire::PermitsUp up;
  up.sent = {{PermitId(answer.permit()), 1, absl::ZeroDuration()}};
  ASSERT_TRUE(Send(proxy, up).ok());
  Lose(proxy);
  EXPECT_EQ(LimitNow().used, 1) << "what was sent was used";
}

TEST_F(RegistryFarewell, AProxyThatComesBackAfterAGoodbyeIsNotLeavingAnyMore) {
  FakeProxy proxy = Attach("a");
  ASSERT_TRUE(SayGoodbye(proxy).ok());
  Lose(proxy);
  FakeProxy back = Attach("a");
  EXPECT_EQ(registry_.attached(), 1u);
  Lose(back);
  EXPECT_GT(LimitNow().used, 0) << "this time it was lost";
}

TEST_F(RegistryFarewell, AShareIsGivenBackWhenTheSameBootAttachesAndAsksAgain) {
  FakeProxy proxy = Attach("a");
  Lose(proxy);
  ASSERT_GT(LimitNow().used, 0);
  FakeProxy back = Attach("a");
  EXPECT_GT(LimitNow().used, 1) << "what it sent meanwhile is told behind its hello";
  ASSERT_TRUE(Ask(back, 1).granted());
  EXPECT_EQ(LimitNow().used, 1) << "the permit alone";
}

TEST_F(RegistryFarewell, AStreamThatReplacesAnotherIsNoLoss) {
  FakeProxy proxy = Attach("a");
  FakeProxy again = Attach("a");
  EXPECT_NE(proxy.permits->ended, "");
  EXPECT_NE(proxy.sync->ended, "");
  Lose(proxy);
  EXPECT_EQ(LimitNow().used, 0);
  EXPECT_EQ(registry_.attached(), 1u);
  EXPECT_TRUE(Ask(again, 1).granted());
}

TEST_F(RegistryFarewell, AnAnswerThatIsAskedForOnAStreamThatWasReplacedGoesToTheNewOne) {
  FakeProxy proxy = Attach("a");
  FakeProxy again = Attach("a");
  again.Forget();
  wire::PermitsUp up;
  up.acquires = {AcquireOf(4)};
  ASSERT_TRUE(Send(proxy, up).ok());
  EndTurn();
  ASSERT_EQ(again.permits->messages.size(), 1u);
  EXPECT_EQ(again.permits->messages[0].answers(0).acquire(), 4u);
}

TEST_F(RegistryFarewell, NothingIsSentToAStreamThatHasEnded) {
  FakeProxy proxy = Attach("a");
  Lose(proxy);
  proxy.Forget();
  registry_.SetSnapshot(MakeSnapshot(8), now());
  EndTurn();
  registry_.OnWritable(proxy.permits.get());
  registry_.OnWritable(proxy.sync.get());
  EndTurn();
  EXPECT_TRUE(proxy.permits->messages.empty());
  EXPECT_TRUE(proxy.sync->messages.empty());
}

}  // namespace
}  // namespace chain429
