#include "common/wire/fleet_wire.h"

#include "chain429/v1/fleet.pb.h"
#include "common/wire/model_wire.h"
#include "common/wire/reader.h"

namespace chain429::wire {
namespace {

template <typename Repeated>
void EncodeIds(const std::vector<PoolId>& pools, Repeated* out) {
  out->Reserve(static_cast<int>(pools.size()));
  for (const PoolId pool : pools) out->Add(pool.value());
}

template <typename T, typename Repeated>
void EncodeAll(const std::vector<T>& parts, Repeated* out) {
  out->Reserve(static_cast<int>(parts.size()));
  for (const T& part : parts) Encode(part, out->Add());
}

const auto kDecode = [](const auto& in) { return Decode(in); };

void Encode(const Candidate& candidate, v1::Candidate* out) {
  out->set_target(candidate.target.value());
  EncodeIds(candidate.pools, out->mutable_pools());
  if (candidate.dynamic.provider.empty()) return;
  out->set_provider(candidate.dynamic.provider);
  out->set_group(candidate.dynamic.group);
  out->set_model(candidate.dynamic.model);
}

absl::StatusOr<Candidate> DecodeCandidate(const v1::Candidate& in) {
  Reader reader;
  Candidate candidate;
  candidate.target = reader.Required<TargetId>(in.target(), "target");
  reader.Ids(in.pools(), candidate.pools, "pools");
  reader.Require(in.pools_size() > 0, "pools", "empty");
  candidate.dynamic = {in.provider(), in.group(), in.model()};
  return reader.Result(std::move(candidate));
}

void Encode(const DenialReason& denial, v1::DenialReason* out) {
  out->set_target(denial.target.value());
  out->set_pool(denial.pool.value());
  out->set_cooldown(denial.cooldown);
  out->set_closure(EncodeClosure(denial.closure));
  out->set_retry_after_ns(ToWire(denial.retry_after));
  if (!denial.never) return;
  out->set_never(true);
  out->set_unit(static_cast<v1::Unit>(static_cast<int>(denial.unit) + 1));
  out->set_limit(denial.limit);
}

absl::StatusOr<DenialReason> DecodeDenial(const v1::DenialReason& in) {
  Reader reader;
  DenialReason denial;
  denial.target = reader.Required<TargetId>(in.target(), "target");
  denial.pool = PoolId(in.pool());
  denial.cooldown = in.cooldown();
  denial.closure = reader.Enum(in.closure(), 0, Closure::kOverloaded, "closure");
  denial.retry_after = reader.Duration(in.retry_after_ns(), "retry_after_ns");
  denial.never = in.never();
  if (in.never()) {
    denial.unit = reader.Enum(in.unit(), 1, kLastUnit, "unit");
    denial.limit = reader.Count(in.limit(), "limit");
  }
  return reader.Result(std::move(denial));
}

void Encode(const LimitState& limit, v1::LimitState* out) {
  out->set_unit(EncodeUnit(limit.unit));
  out->set_amount(limit.amount);
  out->set_remaining(limit.remaining);
  if (limit.unit == Unit::kConcurrency) return;  // has no window
  out->set_window_kind(EncodeWindowKind(limit.kind));
  out->set_window_ns(ToWire(limit.window));
  for (const Recovery& recovery : limit.recoveries) {
    v1::Recovery* to = out->add_recoveries();
    to->set_in_ns(ToWire(recovery.in));
    to->set_remaining(recovery.remaining);
  }
}

absl::StatusOr<LimitState> DecodeLimitState(const v1::LimitState& in) {
  Reader reader;
  LimitState limit;
  limit.unit = reader.Enum(in.unit(), 1, kLastUnit, "unit");
  limit.amount = reader.Count(in.amount(), "amount");
  limit.remaining = reader.Count(in.remaining(), "remaining");
  reader.Require(limit.remaining <= limit.amount, "remaining", "more than the amount");
  if (limit.unit == Unit::kConcurrency) return reader.Result(std::move(limit));
  limit.kind = reader.Enum(in.window_kind(), 1, WindowKind::kBucket, "window_kind");
  limit.window = reader.Duration(in.window_ns(), "window_ns");
  for (const v1::Recovery& recovery : in.recoveries()) {
    limit.recoveries.push_back({reader.Duration(recovery.in_ns(), "recoveries.in_ns"),
                                reader.Count(recovery.remaining(), "recoveries.remaining")});
  }
  return reader.Result(std::move(limit));
}

}  // namespace

void Encode(const Acquire& acquire, v1::Acquire* out) {
  out->set_id(acquire.id.value());
  for (const Candidate& candidate : acquire.candidates) Encode(candidate, out->add_candidates());
  out->set_prompt_tokens(acquire.prompt_tokens);
  out->set_prompt_bytes(acquire.prompt_bytes);
  out->set_max_output(acquire.max_output);
  out->set_spares_wanted(acquire.spares_wanted);
}

absl::StatusOr<Acquire> Decode(const v1::Acquire& in) {
  Reader reader;
  Acquire acquire;
  acquire.id = reader.Required<AcquireId>(in.id(), "id");
  reader.Each(in.candidates(), acquire.candidates, "candidates", DecodeCandidate);
  reader.Require(in.candidates_size() > 0, "candidates", "empty");
  acquire.prompt_tokens = reader.Count(in.prompt_tokens(), "prompt_tokens");
  acquire.prompt_bytes = reader.Count(in.prompt_bytes(), "prompt_bytes");
  acquire.max_output = reader.Count(in.max_output(), "max_output");
  acquire.spares_wanted = in.spares_wanted();
  return reader.Result(std::move(acquire));
}

void Encode(const AcquireAnswer& answer, v1::AcquireAnswer* out) {
  out->set_acquire(answer.acquire.value());
  out->set_granted(answer.granted);
  if (answer.granted) {
    out->set_permit(answer.permit.id.value());
    out->set_target(answer.permit.target.value());
    out->set_ttl_ns(ToWire(answer.permit.ttl));
    out->set_spares(answer.permit.spares);
    out->set_tokens(answer.permit.tokens);
    out->set_watched(answer.permit.watched);
  }
  out->set_alone(answer.alone);
  out->set_held(answer.held);
  for (const DenialReason& denial : answer.denials) Encode(denial, out->add_denials());
}

absl::StatusOr<AcquireAnswer> Decode(const v1::AcquireAnswer& in) {
  Reader reader;
  AcquireAnswer answer;
  answer.acquire = reader.Required<AcquireId>(in.acquire(), "acquire");
  answer.granted = in.granted();
  if (in.granted()) {
    answer.permit.acquire = answer.acquire;
    answer.permit.id = PermitId(in.permit());
    answer.permit.target = reader.Required<TargetId>(in.target(), "target");
    answer.permit.ttl = reader.Duration(in.ttl_ns(), "ttl_ns");
    answer.permit.spares = in.spares();
    answer.permit.tokens = reader.Count(in.tokens(), "tokens");
    answer.permit.watched = in.watched();
  }
  answer.alone = in.alone() && !in.granted();
  answer.held = in.held() && !in.granted() && !in.alone();
  reader.Each(in.denials(), answer.denials, "denials", DecodeDenial);
  return reader.Result(std::move(answer));
}

void Encode(const SentReport& sent, v1::SentReport* out) {
  out->set_permit(sent.permit.value());
  out->set_count(sent.count);
  out->set_age_ns(ToWire(sent.age));
}

absl::StatusOr<SentReport> Decode(const v1::SentReport& in) {
  Reader reader;
  SentReport sent;
  sent.permit = reader.Required<PermitId>(in.permit(), "permit");
  sent.count = reader.Positive(in.count(), "count");
  sent.age = reader.Duration(in.age_ns(), "age_ns");
  return reader.Result(sent);
}

void Encode(const Settlement& settlement, v1::Settlement* out) {
  out->set_permit(settlement.permit.value());
  out->set_target(settlement.target.value());
  EncodeIds(settlement.pools, out->mutable_pools());
  out->set_count(settlement.count);
  out->set_last_use(settlement.last_use);
  out->set_charged(settlement.charged);
  out->set_begun(settlement.begun);
  out->set_sent_age_ns(ToWire(settlement.sent_age));
  if (settlement.usage.seen) {
    out->mutable_usage()->set_prompt_tokens(settlement.usage.prompt_tokens);
    out->mutable_usage()->set_completion_tokens(settlement.usage.completion_tokens);
  }
  out->set_prompt_bytes(settlement.prompt_bytes);
  out->set_error_class(EncodeErrorClass(settlement.error_class));
  out->set_scope(EncodeScope(settlement.scope));
  out->set_closes(settlement.closes.value());
  out->set_retry_after_ns(ToWire(settlement.retry_after));
  out->set_authoritative(settlement.authoritative);
  EncodeAll(settlement.readings, out->mutable_readings());
  out->set_latency_ns(ToWire(settlement.latency));
}

absl::StatusOr<Settlement> Decode(const v1::Settlement& in) {
  Reader reader;
  Settlement settlement;
  settlement.permit = PermitId(in.permit());
  settlement.target = reader.Required<TargetId>(in.target(), "target");
  reader.Ids(in.pools(), settlement.pools, "pools");
  reader.Require(in.pools_size() > 0, "pools", "empty");
  settlement.count = reader.Positive(in.count(), "count");
  settlement.last_use = in.last_use();
  settlement.charged = in.charged();
  settlement.begun = in.begun();
  settlement.sent_age = reader.Duration(in.sent_age_ns(), "sent_age_ns");
  if (in.has_usage()) {
    settlement.usage.seen = true;
    settlement.usage.prompt_tokens = reader.Count(in.usage().prompt_tokens(), "usage.prompt_tokens");
    settlement.usage.completion_tokens = reader.Count(in.usage().completion_tokens(), "usage.completion_tokens");
  }
  settlement.prompt_bytes = reader.Count(in.prompt_bytes(), "prompt_bytes");
  settlement.error_class = reader.Enum(in.error_class(), 0, ErrorClass::kContextTooLong, "error_class");
  settlement.scope = reader.Enum(in.scope(), 0, Scope::kProvider, "scope");
  settlement.closes = PoolId(in.closes());
  settlement.retry_after = reader.Duration(in.retry_after_ns(), "retry_after_ns");
  settlement.authoritative = in.authoritative();
  reader.Each(in.readings(), settlement.readings, "readings", kDecode);
  settlement.latency = reader.Duration(in.latency_ns(), "latency_ns");
  return reader.Result(std::move(settlement));
}

void Encode(const PermitRelease& release, v1::PermitRelease* out) {
  out->set_permit(release.permit.value());
  out->set_count(release.count);
}

absl::StatusOr<PermitRelease> Decode(const v1::PermitRelease& in) {
  Reader reader;
  PermitRelease release;
  release.permit = reader.Required<PermitId>(in.permit(), "permit");
  release.count = reader.Positive(in.count(), "count");
  return reader.Result(release);
}

void Encode(const RecentUse& use, v1::RecentUse* out) {
  out->set_pool(use.pool.value());
  out->set_age_ns(ToWire(use.age));
  out->set_requests(use.requests);
  out->set_tokens(use.tokens);
}

absl::StatusOr<RecentUse> Decode(const v1::RecentUse& in) {
  Reader reader;
  RecentUse use;
  use.pool = reader.Required<PoolId>(in.pool(), "pool");
  use.age = reader.Duration(in.age_ns(), "age_ns");
  use.requests = reader.Count(in.requests(), "requests");
  use.tokens = reader.Count(in.tokens(), "tokens");
  return reader.Result(use);
}

void Encode(const PoolState& state, v1::PoolState* out) {
  out->set_pool(state.pool.value());
  out->set_limited(state.limited);
  out->set_closure(EncodeClosure(state.closure));
  out->set_closed_for_ns(ToWire(state.closed_for));
  for (const LimitState& limit : state.limits) Encode(limit, out->add_limits());
  for (const SafeShare& share : state.shares) {
    v1::SafeShare* to = out->add_shares();
    to->set_first(share.first);
    to->set_steady(share.steady);
    to->set_window_ns(ToWire(share.window));
  }
  out->set_shares_kept(state.shares_kept);
  out->set_serial(state.serial);
  out->set_numbers_only(state.numbers_only);
}

absl::StatusOr<PoolState> Decode(const v1::PoolState& in) {
  Reader reader;
  PoolState state;
  state.pool = reader.Required<PoolId>(in.pool(), "pool");
  state.limited = in.limited();
  state.closure = reader.Enum(in.closure(), 0, Closure::kOverloaded, "closure");
  state.closed_for = reader.Duration(in.closed_for_ns(), "closed_for_ns");
  reader.Each(in.limits(), state.limits, "limits", DecodeLimitState);
  for (const v1::SafeShare& share : in.shares()) {
    state.shares.push_back({reader.Count(share.first(), "shares.first"), reader.Count(share.steady(), "shares.steady"),
                            reader.Duration(share.window_ns(), "shares.window_ns")});
  }
  state.shares_kept = in.shares_kept();
  state.serial = in.serial();
  state.numbers_only = in.numbers_only();
  return reader.Result(std::move(state));
}

void Encode(const HeldPermit& held, v1::HeldPermit* out) {
  out->set_permit(held.permit.value());
  out->set_target(held.target.value());
  EncodeIds(held.pools, out->mutable_pools());
  out->set_unused(held.unused);
  out->set_open(held.open);
  out->set_tokens(held.tokens);
}

absl::StatusOr<HeldPermit> Decode(const v1::HeldPermit& in) {
  Reader reader;
  HeldPermit held;
  held.permit = reader.Required<PermitId>(in.permit(), "permit");
  held.target = reader.Required<TargetId>(in.target(), "target");
  reader.Ids(in.pools(), held.pools, "pools");
  held.unused = in.unused();
  held.open = in.open();
  held.tokens = reader.Count(in.tokens(), "tokens");
  return reader.Result(std::move(held));
}

void Encode(const KnownClosure& closure, v1::KnownClosure* out) {
  out->set_pool(closure.pool.value());
  out->set_closure(EncodeClosure(closure.closure));
  out->set_closed_for_ns(ToWire(closure.closed_for));
  out->set_authoritative(closure.authoritative);
}

absl::StatusOr<KnownClosure> Decode(const v1::KnownClosure& in) {
  Reader reader;
  KnownClosure closure;
  closure.pool = reader.Required<PoolId>(in.pool(), "pool");
  closure.closure = reader.Enum(in.closure(), 0, Closure::kOverloaded, "closure");
  closure.closed_for = reader.Duration(in.closed_for_ns(), "closed_for_ns");
  closure.authoritative = in.authoritative();
  return reader.Result(closure);
}

void Encode(const PermitsHello& hello, v1::PermitsHello* out) {
  out->set_node(hello.node);
  out->set_boot_id(hello.boot_id);
  out->set_epoch_seen(hello.epoch_seen.value());
  EncodeAll(hello.held, out->mutable_held());
  EncodeAll(hello.recent, out->mutable_recent());
  EncodeAll(hello.closures, out->mutable_closures());
}

absl::StatusOr<PermitsHello> Decode(const v1::PermitsHello& in) {
  Reader reader;
  PermitsHello hello;
  hello.node = in.node();
  hello.boot_id = in.boot_id();
  hello.epoch_seen = Epoch(in.epoch_seen());
  reader.Each(in.held(), hello.held, "held", kDecode);
  reader.Each(in.recent(), hello.recent, "recent", kDecode);
  reader.Each(in.closures(), hello.closures, "closures", kDecode);
  return reader.Result(std::move(hello));
}

void Encode(const PermitsUp& up, v1::PermitsUp* out) {
  if (up.hello) Encode(*up.hello, out->mutable_hello());
  EncodeAll(up.sent, out->mutable_sent());
  EncodeAll(up.settlements, out->mutable_settlements());
  EncodeAll(up.releases, out->mutable_releases());
  for (const AcquireId cancel : up.cancels) out->add_cancels(cancel.value());
  EncodeAll(up.acquires, out->mutable_acquires());
}

absl::StatusOr<PermitsUp> Decode(const v1::PermitsUp& in) {
  Reader reader;
  PermitsUp up;
  if (in.has_hello()) up.hello = reader.Part(Decode(in.hello()), "hello");
  reader.Each(in.sent(), up.sent, "sent", kDecode);
  reader.Each(in.settlements(), up.settlements, "settlements", kDecode);
  reader.Each(in.releases(), up.releases, "releases", kDecode);
  reader.Ids(in.cancels(), up.cancels, "cancels");
  reader.Each(in.acquires(), up.acquires, "acquires", kDecode);
  return reader.Result(std::move(up));
}

void Encode(const PermitsDown& down, v1::PermitsDown* out) {
  out->set_epoch(down.epoch.value());
  EncodeAll(down.answers, out->mutable_answers());
  out->set_leader(down.leader);
  EncodeAll(down.pools, out->mutable_pools());
}

absl::StatusOr<PermitsDown> Decode(const v1::PermitsDown& in) {
  Reader reader;
  PermitsDown down;
  down.epoch = Epoch(in.epoch());
  reader.Each(in.answers(), down.answers, "answers", kDecode);
  down.leader = in.leader();
  reader.Each(in.pools(), down.pools, "pools", kDecode);
  return reader.Result(std::move(down));
}

}  // namespace chain429::wire
