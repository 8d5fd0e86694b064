#include "common/wire/fleet_wire.h"

#include <gtest/gtest.h>

#include "chain429/v1/fleet.pb.h"
#include "google/protobuf/util/message_differencer.h"

namespace chain429::wire {
namespace {

// There and back, with the same bytes when sent on: nothing is lost, and nothing is told that was not there.
template <typename Wire, typename Model>
Model RoundTrip(const Model& model) {
  Wire first;
  Encode(model, &first);
  Wire received;
  EXPECT_TRUE(received.ParseFromString(first.SerializeAsString()));
  auto decoded = Decode(received);
  EXPECT_TRUE(decoded.ok()) << decoded.status();
  if (!decoded.ok()) return Model{};
  Wire second;
  Encode(*decoded, &second);
  EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(first, second))
      << first.DebugString() << second.DebugString();
  return *std::move(decoded);
}

Acquire FullAcquire() {
  Acquire acquire;
  acquire.id = AcquireId((uint64_t{3} << 56) | 17);
  acquire.candidates.push_back({.target = TargetId(5), .pools = {PoolId(6), PoolId(7)}, .dynamic = {}});
  acquire.candidates.push_back({.target = TargetId(8), .pools = {PoolId(9)}, .dynamic = {"groq", "other", "llama"}});
  acquire.prompt_tokens = 100;
  acquire.prompt_bytes = 400;
  acquire.max_output = 50;
  acquire.spares_wanted = 12;
  return acquire;
}

TEST(FleetWire, AcquireKeepsEveryField) {
  const Acquire back = RoundTrip<v1::Acquire>(FullAcquire());
  EXPECT_EQ(back.id, FullAcquire().id);
  ASSERT_EQ(back.candidates.size(), 2u);
  EXPECT_EQ(back.candidates[0].target, TargetId(5));
  EXPECT_EQ(back.candidates[0].pools, (std::vector<PoolId>{PoolId(6), PoolId(7)}));
  EXPECT_EQ(back.candidates[0].dynamic.provider, "");
  EXPECT_EQ(back.candidates[1].dynamic.provider, "groq");
  EXPECT_EQ(back.candidates[1].dynamic.group, "other");
  EXPECT_EQ(back.candidates[1].dynamic.model, "llama");
  EXPECT_EQ(back.prompt_tokens, 100);
  EXPECT_EQ(back.prompt_bytes, 400);
  EXPECT_EQ(back.max_output, 50);
  EXPECT_EQ(back.spares_wanted, 12u);
}

AcquireAnswer FullAnswer() {
  AcquireAnswer answer;
  answer.acquire = AcquireId(9);
  answer.granted = true;
  answer.permit = {.acquire = AcquireId(9),
                   .id = PermitId(4),
                   .target = TargetId(5),
                   .ttl = absl::Seconds(3),
                   .spares = 7,
                   .tokens = 1234};
  answer.denials.push_back({TargetId(1), PoolId(2), true, Closure::kQuotaExhausted, absl::Milliseconds(1500)});
  answer.denials.push_back(
      {TargetId(3), PoolId(4), false, Closure::kNone, absl::InfiniteDuration(), true, Unit::kOutputTokens, 8000});
  return answer;
}

TEST(FleetWire, AnswerKeepsEveryField) {
  const AcquireAnswer back = RoundTrip<v1::AcquireAnswer>(FullAnswer());
  EXPECT_EQ(back.acquire, AcquireId(9));
  EXPECT_TRUE(back.granted);
  EXPECT_EQ(back.permit.acquire, AcquireId(9));
  EXPECT_EQ(back.permit.id, PermitId(4));
  EXPECT_EQ(back.permit.target, TargetId(5));
  EXPECT_EQ(back.permit.ttl, absl::Seconds(3));
  EXPECT_EQ(back.permit.spares, 7u);
  EXPECT_EQ(back.permit.tokens, 1234);
  ASSERT_EQ(back.denials.size(), 2u);
  EXPECT_TRUE(back.denials[0].cooldown);
  EXPECT_EQ(back.denials[0].closure, Closure::kQuotaExhausted);
  EXPECT_EQ(back.denials[0].retry_after, absl::Milliseconds(1500));
  EXPECT_EQ(back.denials[1].pool, PoolId(4));
  EXPECT_EQ(back.denials[1].retry_after, absl::InfiniteDuration());
  EXPECT_FALSE(back.denials[0].never);
  EXPECT_TRUE(back.denials[1].never);
  EXPECT_EQ(back.denials[1].unit, Unit::kOutputTokens);
  EXPECT_EQ(back.denials[1].limit, 8000);
}

TEST(FleetWire, PermitWithoutIdMeansThatNoneIsNeeded) {
  AcquireAnswer answer;
  answer.acquire = AcquireId(1);
  answer.granted = true;
  answer.permit.target = TargetId(2);
  const AcquireAnswer back = RoundTrip<v1::AcquireAnswer>(answer);
  EXPECT_TRUE(back.granted);
  EXPECT_EQ(back.permit.id, PermitId());
}

Settlement FullSettlement() {
  Settlement settlement;
  settlement.permit = PermitId(4);
  settlement.target = TargetId(5);
  settlement.pools = {PoolId(6), PoolId(7)};
  settlement.count = 3;
  settlement.last_use = 2;
  settlement.charged = true;
  settlement.sent_age = absl::Milliseconds(20);
  settlement.usage = {.prompt_tokens = 10, .completion_tokens = 20, .seen = true};
  settlement.prompt_bytes = 77;
  settlement.error_class = ErrorClass::kContextTooLong;
  settlement.scope = Scope::kProvider;
  settlement.closes = PoolId(7);
  settlement.retry_after = absl::Seconds(9);
  settlement.authoritative = true;
  settlement.readings.push_back({.unit = Unit::kTokens,
                                 .window = absl::Minutes(1),
                                 .project_scope = true,
                                 .limit = 30,
                                 .remaining = 0,
                                 .reset_after = absl::Milliseconds(7)});
  settlement.readings.push_back({});
  settlement.latency = absl::Microseconds(350);
  return settlement;
}

TEST(FleetWire, SettlementKeepsEveryField) {
  const Settlement back = RoundTrip<v1::Settlement>(FullSettlement());
  const Settlement want = FullSettlement();
  EXPECT_EQ(back.permit, want.permit);
  EXPECT_EQ(back.target, want.target);
  EXPECT_EQ(back.pools, want.pools);
  EXPECT_EQ(back.count, want.count);
  EXPECT_EQ(back.last_use, want.last_use);
  EXPECT_EQ(back.charged, want.charged);
  EXPECT_EQ(back.sent_age, want.sent_age);
  EXPECT_TRUE(back.usage.seen);
  EXPECT_EQ(back.usage.prompt_tokens, want.usage.prompt_tokens);
  EXPECT_EQ(back.usage.completion_tokens, want.usage.completion_tokens);
  EXPECT_EQ(back.prompt_bytes, want.prompt_bytes);
  EXPECT_EQ(back.error_class, want.error_class);
  EXPECT_EQ(back.scope, want.scope);
  EXPECT_EQ(back.closes, want.closes);
  EXPECT_EQ(back.retry_after, want.retry_after);
  EXPECT_EQ(back.authoritative, want.authoritative);
  EXPECT_EQ(back.readings, want.readings);
  EXPECT_EQ(back.latency, want.latency);
}

TEST(FleetWire, UsageThatNobodyToldStaysUntold) {
  Settlement settlement = FullSettlement();
  settlement.usage = {};
  EXPECT_FALSE(RoundTrip<v1::Settlement>(settlement).usage.seen);
  settlement.usage.seen = true;  // told, and zero
  EXPECT_TRUE(RoundTrip<v1::Settlement>(settlement).usage.seen);
}

TEST(FleetWire, ReadingTellsZeroFromUnstated) {
  Settlement settlement = FullSettlement();
  settlement.readings = {{.limit = 0, .remaining = -1, .reset_after = absl::ZeroDuration()}};
  EXPECT_EQ(RoundTrip<v1::Settlement>(settlement).readings, settlement.readings);
}

PoolState FullState() {
  return {.pool = PoolId(1),
          .limited = true,
          .closure = Closure::kOverloaded,
          .closed_for = absl::Seconds(5),
          .limits = {{Unit::kRequests, WindowKind::kFixed, absl::Hours(24), 50, 0, {{absl::Seconds(7), 3}}},
                     {Unit::kTokens, WindowKind::kBucket, absl::Minutes(1), 9000, 9, {}},
                     {Unit::kConcurrency, WindowKind::kSliding, absl::ZeroDuration(), 4, 2, {}}},
          .shares = {{3, 4, absl::Hours(24)}, {1, 2, absl::Minutes(1)}},
          .shares_kept = true,
          .numbers_only = true,
          .serial = 12};
}

TEST(FleetWire, PoolStateKeepsEveryField) {
  EXPECT_EQ(RoundTrip<v1::PoolState>(FullState()), FullState());
  PoolState unknown = FullState();
  unknown.limits.clear();
  unknown.closed_for = absl::InfiniteDuration();
  EXPECT_EQ(RoundTrip<v1::PoolState>(unknown), unknown);
}

TEST(FleetWire, HelloKeepsEveryField) {
  PermitsUp up;
  up.hello = PermitsHello{.node = "n1",
                          .boot_id = "b1",
                          .epoch_seen = Epoch(8),
                          .held = {{PermitId(1), TargetId(2), {PoolId(3)}, 4, 5, 6}},
                          .recent = {{PoolId(3), absl::Seconds(1), 10, 20}},
                          .closures = {{PoolId(3), Closure::kAuth, absl::InfiniteDuration(), true}}};
  up.sent.push_back({PermitId(1), 2, absl::Milliseconds(3)});
  up.settlements.push_back(FullSettlement());
  up.releases.push_back({PermitId(1), 4});
  up.cancels.push_back(AcquireId(5));
  up.acquires.push_back(FullAcquire());
  const PermitsUp back = RoundTrip<v1::PermitsUp>(up);
  ASSERT_TRUE(back.hello.has_value());
  EXPECT_EQ(back.hello->node, "n1");
  EXPECT_EQ(back.hello->boot_id, "b1");
  EXPECT_EQ(back.hello->epoch_seen, Epoch(8));
  ASSERT_EQ(back.hello->held.size(), 1u);
  EXPECT_EQ(back.hello->held[0].permit, PermitId(1));
  EXPECT_EQ(back.hello->held[0].unused, 4u);
  EXPECT_EQ(back.hello->held[0].open, 5u);
  EXPECT_EQ(back.hello->held[0].tokens, 6);
  ASSERT_EQ(back.hello->recent.size(), 1u);
  EXPECT_EQ(back.hello->recent[0].requests, 10);
  EXPECT_EQ(back.hello->recent[0].tokens, 20);
  ASSERT_EQ(back.hello->closures.size(), 1u);
  EXPECT_EQ(back.hello->closures[0].closed_for, absl::InfiniteDuration());
  EXPECT_TRUE(back.hello->closures[0].authoritative);
  ASSERT_EQ(back.sent.size(), 1u);
  EXPECT_EQ(back.sent[0].count, 2u);
  EXPECT_EQ(back.sent[0].age, absl::Milliseconds(3));
  ASSERT_EQ(back.releases.size(), 1u);
  EXPECT_EQ(back.releases[0].count, 4u);
  EXPECT_EQ(back.cancels, std::vector<AcquireId>{AcquireId(5)});
  EXPECT_EQ(back.acquires.size(), 1u);
  EXPECT_EQ(back.settlements.size(), 1u);
}

TEST(FleetWire, DownKeepsEveryField) {
  const PermitsDown down{
      .epoch = Epoch(3), .answers = {FullAnswer()}, .leader = "10.0.0.1:4292", .pools = {FullState()}};
  const PermitsDown back = RoundTrip<v1::PermitsDown>(down);
  EXPECT_EQ(back.epoch, Epoch(3));
  EXPECT_EQ(back.leader, "10.0.0.1:4292");
  EXPECT_EQ(back.answers.size(), 1u);
  EXPECT_EQ(back.pools, down.pools);
}

}  // namespace
}  // namespace chain429::wire
