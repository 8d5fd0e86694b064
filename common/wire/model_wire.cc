#include "common/wire/model_wire.h"

#include "chain429/v1/fleet.pb.h"
#include "chain429/v1/types.pb.h"
#include "common/wire/reader.h"

namespace chain429::wire {
namespace {

// Enums are cast with an offset; these hold the two lists together.
static_assert(v1::UNIT_REQUESTS == static_cast<int>(Unit::kRequests) + 1 &&
              v1::UNIT_CREDITS == static_cast<int>(kLastUnit) + 1);
static_assert(v1::WINDOW_KIND_SLIDING == static_cast<int>(WindowKind::kSliding) + 1 &&
              v1::WINDOW_KIND_BUCKET == static_cast<int>(WindowKind::kBucket) + 1);
static_assert(v1::PROVENANCE_CONFIGURED == static_cast<int>(Provenance::kConfigured) + 1 &&
              v1::PROVENANCE_INFERRED == static_cast<int>(Provenance::kInferred) + 1);
static_assert(v1::CLOSURE_AUTH == static_cast<int>(Closure::kAuth) &&
              v1::CLOSURE_OVERLOADED == static_cast<int>(Closure::kOverloaded));
static_assert(v1::ERROR_CLASS_AUTH == static_cast<int>(ErrorClass::kAuth) &&
              v1::ERROR_CLASS_CONTEXT_TOO_LONG == static_cast<int>(ErrorClass::kContextTooLong));
static_assert(v1::SCOPE_POOL == static_cast<int>(Scope::kPool) &&
              v1::SCOPE_PROVIDER == static_cast<int>(Scope::kProvider));
static_assert(v1::TOKEN_CHARGE_UP_FRONT_KEPT == static_cast<int>(TokenCharge::kUpFrontKept));
static_assert(v1::TOKEN_POLICY_STRICT == static_cast<int>(TokenPolicy::kStrict));
static_assert(v1::WHEN_DISCONNECTED_DENY == static_cast<int>(WhenDisconnected::kDeny) &&
              v1::WHEN_DISCONNECTED_OPEN == static_cast<int>(WhenDisconnected::kOpen));

}  // namespace

void Encode(const Limit& limit, v1::Limit* out) {
  out->set_unit(EncodeUnit(limit.unit));
  out->set_amount(limit.amount);
  out->set_provenance(EncodeProvenance(limit.provenance));
  if (limit.unit == Unit::kConcurrency) return;  // has no window
  out->set_window_kind(EncodeWindowKind(limit.window.kind));
  out->set_window_ns(ToWire(limit.window.length));
  out->set_burst(limit.window.burst);
  if (limit.window.kind != WindowKind::kFixed) return;
  out->set_anchor_ns(ToWire(limit.window.anchor));
  out->set_zone(limit.window.zone);
}

absl::StatusOr<Limit> Decode(const v1::Limit& in) {
  Reader reader;
  Limit limit;
  limit.unit = reader.Enum(in.unit(), 1, kLastUnit, "unit");
  limit.amount = reader.Count(in.amount(), "amount");
  limit.provenance = reader.Enum(in.provenance(), 1, Provenance::kInferred, "provenance");
  if (limit.unit == Unit::kConcurrency) return reader.Result(std::move(limit));
  limit.window.kind = reader.Enum(in.window_kind(), 1, WindowKind::kBucket, "window_kind");
  limit.window.length = reader.Duration(in.window_ns(), "window_ns");
  reader.Require(in.window_ns() != 0, "window_ns", "zero");
  limit.window.burst = reader.Count(in.burst(), "burst");
  if (limit.window.kind == WindowKind::kFixed) {
    limit.window.anchor = reader.Duration(in.anchor_ns(), "anchor_ns");
    reader.Require(limit.window.anchor < absl::Hours(24), "anchor_ns", "a day or more");
    if (!in.zone().empty()) limit.window.zone = in.zone();
  }
  return reader.Result(std::move(limit));
}

void Encode(const ChargeRule& rule, v1::ChargeRule* out) {
  out->set_tokens(static_cast<v1::TokenCharge>(rule.tokens));
  out->set_default_output(rule.default_output);
  out->set_counts_refused(rule.counts_refused);
  out->set_frees_failed(!rule.counts_failed);
}

absl::StatusOr<ChargeRule> Decode(const v1::ChargeRule& in) {
  Reader reader;
  ChargeRule rule;
  rule.tokens = reader.Enum(in.tokens(), 0, TokenCharge::kUpFrontKept, "tokens");
  rule.default_output = reader.Count(in.default_output(), "default_output");
  rule.counts_refused = in.counts_refused();
  rule.counts_failed = !in.frees_failed();
  return reader.Result(rule);
}

void Encode(const CreditRates& rates, v1::CreditRates* out) {
  out->set_request(rates.request);
  out->set_input_per_mtok(rates.input);
  out->set_output_per_mtok(rates.output);
}

absl::StatusOr<CreditRates> Decode(const v1::CreditRates& in) {
  Reader reader;
  CreditRates rates;
  rates.request = reader.Count(in.request(), "request");
  rates.input = reader.Count(in.input_per_mtok(), "input_per_mtok");
  rates.output = reader.Count(in.output_per_mtok(), "output_per_mtok");
  return reader.Result(rates);
}

void Encode(const Pool& pool, v1::Pool* out) {
  out->set_id(pool.id.value());
  out->set_key(pool.key);
  for (const Limit& limit : pool.limits) Encode(limit, out->add_limits());
  out->set_tokens(static_cast<v1::TokenPolicy>(pool.tokens));
  out->set_when_disconnected(static_cast<v1::WhenDisconnected>(pool.when_disconnected));
  out->set_learns(pool.learns);
  Encode(pool.charging, out->mutable_charging());
  if (pool.rates) Encode(*pool.rates, out->mutable_rates());
}

absl::StatusOr<Pool> Decode(const v1::Pool& in) {
  Reader reader;
  Pool pool;
  pool.id = reader.Required<PoolId>(in.id(), "id");
  pool.key = in.key();
  reader.Each(in.limits(), pool.limits, "limits", [](const v1::Limit& limit) { return Decode(limit); });
  pool.tokens = reader.Enum(in.tokens(), 0, TokenPolicy::kStrict, "tokens");
  pool.when_disconnected = reader.Enum(in.when_disconnected(), 0, WhenDisconnected::kOpen, "when_disconnected");
  pool.learns = in.learns();
  pool.charging = reader.Part(Decode(in.charging()), "charging");
  if (in.has_rates()) pool.rates = reader.Part(Decode(in.rates()), "rates");
  return reader.Result(std::move(pool));
}

void Encode(const Reading& reading, v1::Reading* out) {
  out->set_unit(EncodeUnit(reading.unit));
  out->set_window_ns(ToWire(reading.window));
  out->set_project_scope(reading.project_scope);
  if (reading.limit >= 0) out->set_limit(reading.limit);
  if (reading.remaining >= 0) out->set_remaining(reading.remaining);
  if (reading.reset_after != absl::InfiniteDuration()) out->set_reset_after_ns(ToWire(reading.reset_after));
}

absl::StatusOr<Reading> Decode(const v1::Reading& in) {
  Reader reader;
  Reading reading;
  reading.unit = reader.Enum(in.unit(), 1, kLastUnit, "unit");
  reading.window = reader.Duration(in.window_ns(), "window_ns");
  reading.project_scope = in.project_scope();
  if (in.has_limit()) reading.limit = reader.Count(in.limit(), "limit");
  if (in.has_remaining()) reading.remaining = reader.Count(in.remaining(), "remaining");
  if (in.has_reset_after_ns()) reading.reset_after = reader.Duration(in.reset_after_ns(), "reset_after_ns");
  return reader.Result(std::move(reading));
}

v1::Unit EncodeUnit(Unit unit) { return static_cast<v1::Unit>(static_cast<int>(unit) + 1); }

v1::Provenance EncodeProvenance(Provenance provenance) {
  return static_cast<v1::Provenance>(static_cast<int>(provenance) + 1);
}

v1::WindowKind EncodeWindowKind(WindowKind kind) { return static_cast<v1::WindowKind>(static_cast<int>(kind) + 1); }

v1::Closure EncodeClosure(Closure closure) { return static_cast<v1::Closure>(closure); }
absl::StatusOr<Closure> DecodeClosure(int wire) {
  Reader reader;
  const Closure closure = reader.Enum(wire, 0, Closure::kOverloaded, "closure");
  return reader.Result(closure);
}

v1::ErrorClass EncodeErrorClass(ErrorClass error_class) { return static_cast<v1::ErrorClass>(error_class); }
absl::StatusOr<ErrorClass> DecodeErrorClass(int wire) {
  Reader reader;
  const ErrorClass error_class = reader.Enum(wire, 0, ErrorClass::kContextTooLong, "error_class");
  return reader.Result(error_class);
}

v1::Scope EncodeScope(Scope scope) { return static_cast<v1::Scope>(scope); }
absl::StatusOr<Scope> DecodeScope(int wire) {
  Reader reader;
  const Scope scope = reader.Enum(wire, 0, Scope::kProvider, "scope");
  return reader.Result(scope);
}

}  // namespace chain429::wire
