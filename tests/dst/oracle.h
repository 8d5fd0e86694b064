#pragma once

#include <cstdint>
#include <vector>

#include "absl/time/time.h"
#include "tests/dst/provider_window.h"
#include "tests/dst/upstream.h"
#include "tests/dst/workload.h"

namespace chain429::dst {

// The offline optimum: what somebody could have had answered who knows every limit exactly, as the provider counts it
// at each moment. No request waits: each is taken if it fits when it comes, which is the best there is where all cost
// the same.
struct Optimum {
  int64_t requests = 0;
  int64_t tokens = 0;  // prompt and output, of those
};
Optimum BestOf(const std::vector<Workload::Wish>& wishes, const Upstream::Options& upstream, absl::Time start);

}  // namespace chain429::dst
