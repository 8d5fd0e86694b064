#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "common/base/ids.h"
#include "common/model/settlement.h"
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

// The targets that a worker has met, each with its counters. The worker adds; a scrape walks the list from any thread.
// Entries are never removed, so that a counter never falls; beyond kMaxTargets (clients may name any model) all further
// ones share the entry "other".
class TargetTable {
 public:
  static constexpr size_t kMaxTargets = 2000;
  struct Entry {
    explicit Entry(std::string n) : name(std::move(n)) {}
    const std::string name;
    TargetCounters counters;
    Entry* next = nullptr;
  };

  TargetTable() = default;
  ~TargetTable();
  TargetTable(const TargetTable&) = delete;
  TargetTable& operator=(const TargetTable&) = delete;

  // The worker's thread only. One hash look-up; the reference stays valid as long as the table.
  TargetCounters& For(TargetId id, std::string_view name);
  // Any thread: follow `next` from here.
  const Entry* first() const { return first_.load(std::memory_order_acquire); }

 private:
  TargetCounters& Append(TargetId id, std::string_view name);

  std::atomic<Entry*> first_{nullptr};
  absl::flat_hash_map<uint64_t, Entry*> by_id_;
  Entry* other_ = nullptr;
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

  void CountAnswer(int status) {
    requests[status >= 100 && status < 600 ? static_cast<size_t>(status / 100) : 0].Add();
  }
  void CountPermit(PermitKind kind) { permits[static_cast<size_t>(kind)].Add(); }
};

}  // namespace chain429
