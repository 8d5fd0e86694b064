#pragma once

#include <optional>
#include <vector>

#include "absl/time/time.h"
#include "common/model/settlement.h"
#include "common/provider/error_body.h"
#include "common/provider/error_rules.h"

namespace chain429 {

// How long a provider says to wait, from all the places in which one may say it.
struct StatedWaits {
  std::optional<absl::Duration> retry_after;  // retry-after-ms, before retry-after
  std::optional<absl::Duration> body;         // a field of the body, before its words
  std::optional<absl::Duration> prose;        // the words alone
};
StatedWaits ReadWaits(HeaderView headers, const ErrorBody& body, const BodyShape& shape, absl::Time wall_now);

// The longest reset of a limit that is used up, else one that stood alone. Nullopt: none.
std::optional<absl::Duration> ResetOfUsedUp(const std::vector<Reading>& readings, absl::Duration lone_reset);

// Sets the verdict's wait: stated in headers or body, the reset of what is used up, the calendar's edge, or the rule's
// guess. Waits are cut to a day unless the rule says that they are dated. `rule` may be null.
void DecideWait(const StatedWaits& waits, std::optional<absl::Duration> reset, const ErrorRule* rule,
                absl::Time wall_now, Verdict& verdict);

}  // namespace chain429
