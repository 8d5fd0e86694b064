#include "common/waterfall/closing.h"

namespace chain429 {
namespace {

constexpr absl::Duration kRefusedCredential = absl::Minutes(10);  // then one request tries it again
constexpr absl::Duration kMissingModel = absl::Minutes(10);
constexpr absl::Duration kUnknownWait = absl::Seconds(1);

PoolId PoolOf(Scope scope, const Target& target, PoolId credential) {
  if (scope == Scope::kTarget) return target.pools.back();
  return scope == Scope::kCredential && credential ? credential : target.pools.front();
}

absl::Duration UsualWait(Closure closure) {
  if (closure == Closure::kAuth) return kRefusedCredential;
  return closure == Closure::kModelUnavailable ? kMissingModel : kUnknownWait;
}

}  // namespace

Closure ClosureOf(ErrorClass error_class, bool lasts) {
  switch (error_class) {
    case ErrorClass::kRateLimited:
      return Closure::kRateLimited;
    case ErrorClass::kQuotaExhausted:
      return Closure::kQuotaExhausted;
    case ErrorClass::kAuth:
      return Closure::kAuth;
    case ErrorClass::kModelUnavailable:
      return Closure::kModelUnavailable;
    case ErrorClass::kOverloaded:
      // One 503 says nothing about the next request.
      return lasts ? Closure::kOverloaded : Closure::kNone;
    case ErrorClass::kOk:
    case ErrorClass::kBadRequest:
    case ErrorClass::kRefusedHere:
    case ErrorClass::kContextTooLong:
      return Closure::kNone;
  }
  return Closure::kNone;
}

std::optional<Closing> ClosingOf(const Verdict& verdict, const Target& target, PoolId credential) {
  const bool says_how_long = verdict.retry_after > absl::ZeroDuration();
  const Closure closure = ClosureOf(verdict.error_class, verdict.authoritative && says_how_long);
  if (closure == Closure::kNone || verdict.scope == Scope::kRequest) return std::nullopt;
  return Closing{PoolOf(verdict.scope, target, credential), closure,
                 says_how_long ? verdict.retry_after : UsualWait(closure)};
}

}  // namespace chain429
