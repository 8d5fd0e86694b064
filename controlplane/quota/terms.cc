#include "controlplane/quota/terms.h"

#include <algorithm>

namespace chain429 {

Terms TermsOf(std::span<PoolAccount* const> accounts) {
  if (accounts.empty()) return {};
  const Pool& quota = accounts.front()->pool();
  return {quota.tokens, quota.charging, accounts.back()->pool().rates};
}

Charge EstimateFor(const Estimator& estimator, const Demand& demand, const Terms& terms,
                   std::span<PoolAccount* const> accounts) {
  Charge charge = estimator.Estimate(demand, terms.policy, terms.rule);
  const bool guess = Estimator::Guesses(demand, terms.policy, terms.rule);
  if (guess) {
    for (const PoolAccount* account : accounts) charge = account->ledger().Fitted(charge);
  }
  terms.Price(charge);
  if (guess && terms.rates) {
    const int64_t least = terms.rates->Of(charge.requests, charge.input, 0);
    for (const PoolAccount* account : accounts) charge = account->ledger().Fitted(charge, least);
  }
  return charge;
}

bool IsRefusal(ErrorClass error_class) {
  return error_class == ErrorClass::kRateLimited || error_class == ErrorClass::kQuotaExhausted;
}

Charge ActualOf(const Settlement& settlement, const Charge& charged, const Terms& terms) {
  Charge actual;
  if (!settlement.charged) return actual;
  if (IsRefusal(settlement.error_class)) {
    // A refused request never was made: where it counts, it does as a request alone.
    if (terms.rule.counts_refused) actual.requests = settlement.count;
    return actual;
  }
  const bool ok = settlement.error_class == ErrorClass::kOk;
  const Usage& usage = settlement.usage;
  if (!ok && !usage.seen && !terms.rule.counts_failed) return actual;
  actual.requests = settlement.count;
  if (usage.seen) {
    actual.input = usage.prompt_tokens;
    actual.output = usage.completion_tokens;
  } else if (ok || settlement.error_class == ErrorClass::kOverloaded) {
    actual.input = charged.input;
    actual.output = charged.output;
  }
  terms.Price(actual);  // what is reserved is not paid for
  if (ok && terms.rule.tokens == TokenCharge::kUpFrontKept) actual.output = std::max(actual.output, charged.output);
  return actual;
}

Charge ReportedUse(const Pool& pool, int64_t requests, int64_t tokens) {
  Charge charge{requests, tokens, 0, 0};
  if (pool.rates) charge.credits = std::max(pool.rates->Of(requests, tokens, 0), pool.rates->Of(requests, 0, tokens));
  return charge;
}

}  // namespace chain429
