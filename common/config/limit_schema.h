#pragma once

#include "common/config/config.h"
#include "common/config/fields.h"
#include "common/config/zones.h"

namespace chain429 {

// The value of `limits:` under `parent`, if there is one.
LimitAmounts ReadLimits(ConfigFields& parent);

// The value of `credits:` under `parent`, if there is one: what a model costs in the provider's own currency.
std::optional<CreditRates> ReadRates(ConfigFields& parent);

// The value of `windows:` under `parent`, if there is one.
WindowChoices ReadWindows(ConfigFields& parent, const ZoneLookup& zones);

// Reports at `at` a zone that this machine cannot use; returns whether it can.
bool CheckZone(std::string_view zone, Position at, const ConfigPlace& place, const ZoneLookup& zones,
               const ValueReader& read);

}  // namespace chain429
