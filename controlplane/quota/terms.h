#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "common/limits/charge.h"
#include "common/limits/estimate.h"
#include "common/model/charging.h"
#include "common/model/settlement.h"
#include "controlplane/quota/account.h"

namespace chain429 {

// On what terms attempts at one target are charged: its pools say so.
struct Terms {
  TokenPolicy policy = TokenPolicy::kP95;
  ChargeRule rule;
  std::optional<CreditRates> rates;

  void Price(Charge& charge) const {
    charge.credits = rates ? rates->Of(charge.requests, charge.input, charge.output) : 0;
  }
};

// REQUIRES: `accounts` wide to narrow, none null; may be empty.
Terms TermsOf(std::span<PoolAccount* const> accounts);

// What an attempt is charged before its cost is known; what is only a guess leaves it within every limit.
Charge EstimateFor(const Estimator& estimator, const Demand& demand, const Terms& terms,
                   std::span<PoolAccount* const> accounts);

// What the provider counts of attempts that ended and were charged so.
Charge ActualOf(const Settlement& settlement, const Charge& charged, const Terms& terms);

// `requests` that came to `tokens`, of which nobody says how many were output: the dearest that they can have been.
Charge ReportedUse(const Pool& pool, int64_t requests, int64_t tokens);

bool IsRefusal(ErrorClass error_class);

}  // namespace chain429
