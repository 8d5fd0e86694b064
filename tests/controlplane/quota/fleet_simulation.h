#pragma once

#include <cstdint>
#include <string>

#include "absl/time/time.h"
#include "common/model/pool.h"

namespace chain429 {

// A fleet, its leader and one provider in one process with a clock of their own: every delay, loss and decision comes
// from the seed. The clients together always want more than the provider gives.
struct FleetOptions {
  uint64_t seed = 1;
  Limit limit;                             // declared, and exactly what the provider enforces
  absl::Duration length = absl::Minutes(10);
  int proxies = 4;
  int clients = 8;                         // of each proxy
  absl::Duration answer_least = absl::Milliseconds(300);
  absl::Duration answer_most = absl::Seconds(3);
  absl::Duration provider_clock_off;       // fixed windows: how far its clock is ahead of ours
  // How often, on the mean; infinite: never.
  absl::Duration link_breaks = absl::InfiniteDuration();
  absl::Duration proxy_dies = absl::InfiniteDuration();
  absl::Duration leader_changes = absl::InfiniteDuration();
  absl::Duration leader_stands_still = absl::InfiniteDuration();
  double repeated = 0;                     // share of the reports that come twice
};

struct FleetResult {
  int64_t accepted = 0;
  int64_t refused = 0;           // by the provider, of requests that had a permit
  std::string first_refusal;     // when, and what the leader thought then
  absl::Duration busy;           // summed over the requests, as the provider sees them
  int64_t breaks = 0;
  int64_t deaths = 0;
  int64_t leaders = 1;
  int64_t stalls = 0;
  int64_t open_at_end = 0;       // attempts that the leader still holds open when all have ended
  int64_t reserved_at_end = 0;   // and reservations
};

FleetResult Simulate(const FleetOptions& options);

}  // namespace chain429
