#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "tests/sim/distribution.h"
#include "tests/sim/fields.h"
#include "tests/sim/limits.h"

namespace chain429::sim {

// What a provider does wrong, and to which requests. A *whole* fault is the answer (or its absence) and gives the
// request its verdict; a *modifier* changes an answer that is otherwise what it would have been.
enum class FaultKind {
  // Whole.
  kStatus,       // an error status with any body and headers
  kRateLimit,    // a 429 in the provider's own format, without a limit being full
  kEchoKey,      // 401 that repeats the whole key
  kRedirect,
  kReset,        // no answer: RST
  kClose,        // no answer: FIN
  kBreak,        // the answer is cut
  kShortBody,    // a plain body shorter than its content-length
  kStall,        // the answer stops coming
  kErrorIn200,
  kEmptyStream,  // 200 and no event
  kOnlyDone,
  kOnlyComments,
  kRoleOnly,
  kNoDone,       // the stream ends without [DONE]
  kGarbage,      // bytes that are no HTTP
  kRaw,          // exactly the given bytes
  kBadChunk,     // an impossible chunk size
  kEndlessHead,
  kBadGzip,
  // Modifiers.
  kDrip,         // everything in small pieces
  kSlowHead,     // the head in small pieces
  kCoalesce,     // everything in one write
  kComments,     // comments before the content
  kLie,          // rate-limit headers that are not true
  kInterim,      // 1xx answers first
  kSecondAnswer,  // an answer that nobody asked for follows
  kCloseIdle,    // the connection is closed after the answer though keep-alive was promised
  kDelay,        // comes later than usual
};

std::string_view FaultName(FaultKind kind);
bool IsModifier(FaultKind kind);

// How an answer that is cut ends.
enum class CutBy { kClose, kReset, kEnd };  // kEnd: properly framed, as if it were whole
enum class CutAt { kHead, kContent, kStream };  // after the head; before the first content; after `after_chunks`

struct FaultSpec {
  FaultKind kind = FaultKind::kStatus;

  // When: without any of them, always. `skip` requests that match are let through first.
  std::optional<double> probability;
  std::optional<int64_t> next;
  int64_t every = 0;
  int64_t skip = 0;
  // To whom. Empty and absent match all.
  std::string model;
  std::string key;                   // the whole key or its end
  std::optional<bool> stream;
  std::optional<bool> reused;        // the connection has carried a request before
  bool before_limits = false;        // such a request uses up no limit

  // What. Each kind uses some of these; see README.md.
  int64_t status = 0;
  std::optional<std::string> body;
  std::vector<std::pair<std::string, std::string>> headers;
  CutAt at = CutAt::kStream;
  CutBy by = CutBy::kClose;
  int64_t after_chunks = 0;
  bool mid_event = false;
  bool event = false;                // error_in_200: as `event: error`
  bool done = false;                 // error_in_200: [DONE] follows
  bool finish = false;               // no_done: with a finish_reason
  absl::Duration lasts;              // stall, delay, second_answer, close_idle; stall: zero is until released
  int64_t count = 0;                 // comments, interim
  absl::Duration pause;              // between comments or pieces
  std::vector<int64_t> sizes;        // of the pieces, over and over
  std::string location;
  std::vector<LimitName> limits;     // rate_limit, lie: which
  std::optional<int64_t> says_limit, says_remaining;
  std::optional<absl::Duration> says_reset;
  absl::Duration retry_after;
};

// Reads one fault; what is wrong goes to the fields' problems.
FaultSpec ReadFault(const Json& object, const std::string& path, Problems* problems);
// Reads a list of faults, or a single one.
std::vector<FaultSpec> ReadFaults(const Json& value, const std::string& path, Problems* problems);

// What decides whether a fault meets a request.
struct FaultSubject {
  std::string model;
  std::string key;
  bool stream = false;
  bool reused = false;
};

struct ChosenFaults {
  std::optional<FaultSpec> whole;
  std::vector<FaultSpec> modifiers;
  const FaultSpec* Modifier(FaultKind kind) const;
};

// The faults in force, with their counters.
class FaultPlan {
 public:
  void Replace(const std::vector<FaultSpec>& specs);
  void Add(const std::vector<FaultSpec>& specs);
  void Clear() { rules_.clear(); }

  // The first whole fault that is due and every modifier that is due, added to `chosen`. Only rules whose
  // `before_limits` is as given take part, and only they count the request.
  void Choose(const FaultSubject& subject, bool before_limits, Random& random, ChosenFaults* chosen);

  Json Describe() const;

 private:
  struct Rule {
    FaultSpec spec;
    int64_t matched = 0;
    int64_t fired = 0;
    bool Due(Random& random);
  };
  std::vector<Rule> rules_;
};

}  // namespace chain429::sim
