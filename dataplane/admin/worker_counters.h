#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "common/base/ids.h"
#include "common/model/settlement.h"
#include "dataplane/admin/counter_table.h"
#include "dataplane/admin/counters.h"
#include "dataplane/admin/upstream_counters.h"

namespace chain429 {

inline constexpr size_t kOutcomes = static_cast<size_t>(Outcome::kModelUnavailable) + 1;

// Of one target on one worker.
struct TargetCounters {
  std::array<Counter, kOutcomes> outcomes;  // attempts, and times it was passed over, by the trail's words
  Counter provider_429s;                    // attempts that the provider answered with 429
  Counter prompt_tokens;
  Counter completion_tokens;
  LatencyHistogram first_content;           // attempt start to first content

  void Count(Outcome outcome) { outcomes[static_cast<size_t>(outcome)].Add(); }
};

// The targets that a worker has met.
class TargetTable : public CounterTable<TargetCounters, 2000> {
 public:
  static constexpr size_t kMaxTargets = 2000;
  TargetCounters& For(TargetId id, std::string_view name) { return CounterTable::For(id.value(), name); }
};

// Of one chain on one worker: answers by the first digit of their status, as WorkerCounters::requests.
struct ChainCounters {
  std::array<Counter, 6> requests;
};

// The chains that a worker has served, by name; all models that were called directly share one entry.
class ChainTable : public CounterTable<ChainCounters, 500> {
 public:
  // No chain is called this.
  static constexpr std::string_view kDirect = "-";
  ChainCounters& For(std::string_view name) { return CounterTable::For(StableId(name), name); }
};

// How the right to an attempt came about.
enum class PermitKind : uint8_t {
  kFree,  // no limit known: none needed
  kSpare,  // was at hand
  kAsked,  // asked of the control plane
  kShare,  // the safe share, while the control plane is away
};
inline constexpr size_t kPermitKinds = 4;

// What one worker counts. Written by that worker alone, on cache lines of its own.
struct alignas(64) WorkerCounters {
  // Answers to clients by the first digit of their status: [2] is 2xx. [0]: the client left before any.
  std::array<Counter, 6> requests;
  Counter requests_open;
  Counter streams_open;
  Counter streams_broken;  // after the first content
  Counter clients_gone;  // left before the end of the answer
  LatencyHistogram first_content;  // request read to first content (plain: to the answer), over all its attempts
  LatencyHistogram request_duration;  // request's head read to the end of its answer; of those that came to a chain

  std::array<Counter, kPermitKinds> permits;
  Counter permits_denied;  // acquires that fitted no candidate
  Counter permits_timed_out;  // no answer in time: went on as if disconnected
  LatencyHistogram acquire_latency;

  Counter client_connections;  // open now
  UpstreamCounters upstream;
  Counter connections_refused;  // there were too many already
  Counter connections_moved;  // accepted here, handed to a worker that had fewer
  Counter accept_failures;  // the system had no descriptor or memory left
  Counter tls_handshakes_failed;

  TargetTable targets;
  ChainTable chains;

  static size_t ClassOf(int status) { return status >= 100 && status < 600 ? static_cast<size_t>(status / 100) : 0; }
  void CountAnswer(int status) { requests[ClassOf(status)].Add(); }
  void CountPermit(PermitKind kind) { permits[static_cast<size_t>(kind)].Add(); }
};

}  // namespace chain429
