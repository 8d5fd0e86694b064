// Pools over changes of the configuration, pools of models that no configuration lists, and pools that nobody uses any
// more.
#include "controlplane/quota/book.h"

#include "common/model/limit_state.h"
#include "tests/controlplane/quota/broker_fixture.h"

namespace chain429 {
namespace {

class BookTest : public BrokerTest {
 protected:
  // A provider "p" with one credential, refused by the provider.
  PoolId RefusedCredential(const std::string& key, const TargetId target) {
    Provider provider;
    provider.name = "p";
    Credential credential;
    credential.name = "main";
    credential.pool = PoolId(StableId("p#main"));
    credential.key = Secret(key);
    provider.credentials.push_back(credential);
    providers = {provider};
    Configure();
    Settlement end = EndOf(PermitId(), target);
    end.error_class = ErrorClass::kAuth;
    end.closes = credential.pool;
    Settle(end);
    broker->TakeUrgent(now);
    return credential.pool;
  }
  Closure ClosureOf(PoolId pool) {
    for (const PoolView& view : broker->View("", now)) {
      if (view.id == pool) return view.closure;
    }
    return Closure::kNone;
  }
  // A model of provider "open", which no snapshot lists.
  Candidate Unlisted(const std::string& model) {
    const uint32_t provider = static_cast<uint32_t>(providers.size() - 1);
    const TargetPlan plan = PlanTargets(providers, provider, model).front();
    return {.target = plan.target.id, .pools = plan.target.pools, .dynamic = {providers.back().name, "", model}};
  }
  AcquireAnswer AskFor(const Candidate& candidate) {
    Acquire acquire;
    acquire.id = AcquireId(++last_acquire);
    acquire.candidates = {candidate};
    return broker->OnAcquire(HolderId(1), acquire, now);
  }
  void AddOpenProvider(PoolScope scope, std::vector<Limit> limits) {
    Provider provider;
    provider.name = "open";
    provider.pool_scope = scope;
    provider.limits = std::move(limits);
    providers.push_back(provider);
  }
};

TEST_F(BookTest, ASnapshotKeepsTheUseOfPoolsThatKeepTheirId) {
  const TargetId target = AddLimited("t", {Rpm(10)});
  Configure();
  for (int i = 0; i < 4; ++i) Use(target);
  Permitted(target);
  AddLimited("another", {Rpm(1)});
  Configure();
  EXPECT_EQ(UsedRequests(target), 5);
  EXPECT_EQ(Grantable(target), 5);
}

TEST_F(BookTest, AChangedLimitHoldsAtOnceWithWhatWasUsed) {
  const TargetId target = AddLimited("t", {Rpm(10)});
  Configure();
  for (int i = 0; i < 4; ++i) Use(target);
  PoolOf(QuotaOf(target)).limits = {Rpm(4)};
  Configure();
  EXPECT_FALSE(Ask({target}).granted);
  PoolOf(QuotaOf(target)).limits = {Rpm(6)};
  Configure();
  EXPECT_EQ(Grantable(target), 2);
}

TEST_F(BookTest, AnAddedLimitKnowsWhatWasUsedBefore) {
  const TargetId target = AddLimited("t", {});
  Configure();
  Settlement end = EndOf(PermitId(), target);
  end.count = 7;
  Settle(end);
  PoolOf(QuotaOf(target)).limits = {Rpm(10)};
  Configure();
  EXPECT_EQ(Grantable(target), 3);
}

TEST_F(BookTest, APoolThatLeavesAndComesBackKeepsItsUseAndItsClosure) {
  const TargetId target = AddLimited("t", {Rpm(10)});
  Configure();
  for (int i = 0; i < 4; ++i) Use(target);
  Settle(RefusalOf(PermitId(), target, absl::Seconds(20)));
  const std::vector<Pool> with = std::exchange(pools, {});
  const std::vector<Target> with_targets = std::exchange(targets, {});
  Configure();
  Pass(absl::Seconds(10));
  pools = with;
  targets = with_targets;
  Configure();
  EXPECT_EQ(UsedRequests(target), 4);
  EXPECT_EQ(PoolViewOf(QuotaOf(target)).closed_for, absl::Seconds(10));
}

TEST_F(BookTest, AChangedKeyOpensItsCredentialAndTellsSo) {
  const TargetId target = AddLimited("t", {});
  const PoolId credential = RefusedCredential("wrong", target);
  ASSERT_EQ(ClosureOf(credential), Closure::kAuth);
  providers[0].credentials[0].key = Secret("right");
  Configure();
  EXPECT_EQ(ClosureOf(credential), Closure::kNone);
  const PoolState state = StateIn(broker->TakeUrgent(now), credential);
  EXPECT_EQ(state.pool, credential);
  EXPECT_EQ(state.closure, Closure::kNone);
  EXPECT_TRUE(broker->has_memories());
}

// The word of its refusal and the changed configuration are under way at the same time.
TEST_F(BookTest, ARefusalOfTheOldKeyThatComesLateClosesNothing) {
  const TargetId target = AddLimited("t", {});
  const PoolId credential = RefusedCredential("wrong", target);
  providers[0].credentials[0].key = Secret("right");
  Configure();
  broker->TakeUrgent(now);
  Settlement late = EndOf(PermitId(), target, absl::Seconds(1));
  late.error_class = ErrorClass::kAuth;
  late.closes = credential;
  Settle(late);
  EXPECT_EQ(ClosureOf(credential), Closure::kNone);
  EXPECT_EQ(StateIn(broker->TakeUrgent(now), credential).pool, credential) << "whoever has closed it hears so";
  Pass(absl::Seconds(2));
  late.sent_age = absl::Seconds(1);  // with the new key
  Settle(late);
  EXPECT_EQ(ClosureOf(credential), Closure::kAuth);
}

TEST_F(BookTest, OtherWaysToGiveAKeyAreChangesToo) {
  const std::vector<std::function<void(Credential&)>> changes = {
      [](Credential& c) { c.proxy_env = "OTHER"; },
      [](Credential& c) { c.proxy_file = "/other"; },
      [](Credential& c) { c.usable = false; },
  };
  for (size_t i = 0; i < changes.size(); ++i) {
    NewLeader(7);
    targets.clear();
    pools.clear();
    const TargetId target = AddLimited("t", {});
    const PoolId credential = RefusedCredential("wrong", target);
    changes[i](providers[0].credentials[0]);
    Configure();
    EXPECT_EQ(ClosureOf(credential), Closure::kNone) << i;
  }
}

TEST_F(BookTest, TheSameKeyStaysClosedWhateverElseChanges) {
  const TargetId target = AddLimited("t", {});
  const PoolId credential = RefusedCredential("wrong", target);
  AddLimited("another", {Rpm(1)});
  providers[0].limits = {Rpm(5)};
  Configure();
  EXPECT_EQ(ClosureOf(credential), Closure::kAuth);
  EXPECT_TRUE(broker->TakeUrgent(now).empty());
}

TEST_F(BookTest, AChangedKeyOpensNothingThatALimitHasClosed) {
  const TargetId target = AddLimited("t", {});
  const PoolId credential = RefusedCredential("wrong", target);
  broker->ClearCooldown("p#main", now);
  Settlement end = RefusalOf(PermitId(), target, absl::Minutes(5));
  end.closes = credential;
  Settle(end);
  providers[0].credentials[0].key = Secret("right");
  Configure();
  EXPECT_EQ(ClosureOf(credential), Closure::kRateLimited);
}

TEST_F(BookTest, PoolsOfAModelThatNoSnapshotListsAreDerived) {
  AddOpenProvider(PoolScope::kModel, {Rpm(2)});
  Configure();
  const Candidate one = Unlisted("one");
  const Candidate other = Unlisted("other");
  EXPECT_TRUE(AskFor(one).permit.id);
  EXPECT_TRUE(AskFor(one).granted);
  EXPECT_FALSE(AskFor(one).granted);
  EXPECT_TRUE(AskFor(other).granted);
  EXPECT_EQ(broker->View("open/one", now).size(), 1u);
  EXPECT_EQ(broker->View("open/other", now).front().limits.front().used, 1);
}

TEST_F(BookTest, DerivedPoolsFollowTheConfigurationAndKeepTheirUse) {
  AddOpenProvider(PoolScope::kModel, {Rpm(2)});
  Configure();
  const Candidate model = Unlisted("m");
  EXPECT_TRUE(AskFor(model).granted);
  providers.back().limits = {Rpm(5)};
  Configure();
  int granted = 0;
  while (granted < 100 && AskFor(model).granted) ++granted;
  EXPECT_EQ(granted, 4);
}

TEST_F(BookTest, ListedAndUnlistedModelsShareThePoolOfTheirAccount) {
  AddOpenProvider(PoolScope::kGroup, {Rpm(3)});
  const TargetPlan plan = PlanTargets(providers, 0, "listed").front();
  pools = plan.pools;
  targets = {plan.target};
  Configure();
  EXPECT_TRUE(Ask({plan.target.id}).granted);
  EXPECT_TRUE(AskFor(Unlisted("unlisted")).granted);
  EXPECT_TRUE(AskFor(Unlisted("another")).granted);
  EXPECT_FALSE(Ask({plan.target.id}).granted);
}

TEST_F(BookTest, AModelOfNoConfiguredProviderIsLeftToItself) {
  AddOpenProvider(PoolScope::kModel, {Rpm(2)});
  Configure();
  Candidate stranger = Unlisted("m");
  stranger.dynamic.provider = "nobody";
  const AcquireAnswer answer = AskFor(stranger);
  EXPECT_TRUE(answer.granted);
  EXPECT_FALSE(answer.permit.id);
}

TEST_F(BookTest, BeforeAnySnapshotEverythingIsFree) {
  const TargetId target = AddLimited("t", {Rpm(1)});
  EXPECT_TRUE(Ask({target}).granted);
  EXPECT_FALSE(Ask({target}).permit.id);
}

// Clients can name as many models as they like.
class CrowdedBookTest : public testing::Test {
 protected:
  static constexpr size_t kEnough = 50'001;

  CrowdedBookTest() {
    auto made = std::make_shared<Snapshot>();
    Provider provider;
    provider.name = "open";
    provider.pool_scope = PoolScope::kModel;
    provider.limits = {Rpd(10)};
    made->version = Version(1);
    made->providers = {provider};
    EXPECT_TRUE(made->Index().ok());
    snapshot = made;
    book.SetSnapshot(snapshot, now);
  }
  Candidate ModelOf(const std::string& model) {
    const TargetPlan plan = PlanTargets(snapshot->providers, 0, model).front();
    return {.target = plan.target.id, .pools = plan.target.pools, .dynamic = {"open", "", model}};
  }
  PoolAccount& Derived(const std::string& model) {
    const Candidate candidate = ModelOf(model);
    book.Derive(candidate, now);
    return *book.Find(candidate.pools.front());
  }
  void Crowd() {
    for (uint64_t i = 0; book.size() < kEnough; ++i) book.FindOrMakeBare(PoolId(1'000'000 + i), now);
  }
  void Advance(absl::Duration by) {
    now.mono = now.mono + by;
    now.wall += by;
  }

  Now now{MonoTime::FromNanos(int64_t{1'000'000} * 1'000'000'000), absl::FromUnixSeconds(1'800'000'030)};
  std::shared_ptr<const Snapshot> snapshot;
  PoolBook book;
};

TEST_F(CrowdedBookTest, ForgetsIdlePoolsWhenThereAreTooMany) {
  Derived("idle");
  Crowd();
  Advance(absl::Minutes(11));
  Derived("new");
  EXPECT_LT(book.size(), 10u);
  EXPECT_EQ(book.Find(ModelOf("idle").pools.front()), nullptr);
}

TEST_F(CrowdedBookTest, KeepsWhatIsNewHeldOpenClosedOrConfigured) {
  Derived("held").ledger().Reserve({1, 0, 0});
  PoolAccount& open = Derived("sent");
  open.ledger().SendUnreserved({1, 0, 0}, now.mono, now);
  Random random(1);
  Derived("closed").cooldown().Close({Closure::kQuotaExhausted, absl::Hours(3), true, now.mono}, now, random);
  Crowd();
  Advance(absl::Minutes(11));
  Derived("new");
  for (const char* model : {"held", "sent", "closed", "new"}) {
    EXPECT_NE(book.Find(ModelOf(model).pools.front()), nullptr) << model;
  }
}

TEST_F(CrowdedBookTest, APoolThatIsForgottenAndComesBackKeepsItsDay) {
  PoolAccount& account = Derived("m");
  account.ledger().SendUnreserved({4, 0, 0}, now.mono, now);
  account.ledger().Abandon({4, 0, 0});
  Crowd();
  Advance(absl::Minutes(11));
  Derived("new");
  ASSERT_EQ(book.Find(ModelOf("m").pools.front()), nullptr);
  EXPECT_EQ(SmallestRemaining(Derived("m").ledger().States(now), Unit::kRequests), 6);
}

}  // namespace
}  // namespace chain429
