#pragma once

#include <vector>

#include "common/model/settlement.h"

namespace chain429 {

// Adds what a body says of a limit to what the headers said. The same limit is the one of the same unit and window, or,
// where one side does not name its window, of the same unit with an amount that does not contradict. What the headers
// stated stays; gaps are filled.
void MergeReading(const Reading& from_body, std::vector<Reading>& readings);

}  // namespace chain429
