#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "tests/sim/windows.h"

namespace chain429::sim {

// The limits of one account: every request passes all of its sets or is refused. Pure; time is passed in.

enum class LimitName { kRpm, kRph, kRpd, kTpm, kTph, kTpd, kConcurrency };
inline constexpr std::array<LimitName, 6> kWindowLimits = {LimitName::kRpm, LimitName::kRph, LimitName::kRpd,
                                                           LimitName::kTpm, LimitName::kTph, LimitName::kTpd};

std::string_view LimitKey(LimitName name);  // "rpm"
inline bool IsTokens(LimitName name) {
  return name == LimitName::kTpm || name == LimitName::kTph || name == LimitName::kTpd;
}
absl::Duration UsualLength(LimitName name);  // a minute, an hour, a day

// When tokens are charged.
enum class Charge {
  kOnUse,        // the prompt at the request, the completion when it has been made
  kUpFront,      // prompt + max_tokens at the request, corrected to the real use at the end
  kUpFrontKept,  // prompt + max_tokens, never corrected
};

struct LimitSetSpec {
  bool per_model = false;  // a set of windows for each model instead of one for the account
  std::string model;       // only requests for this model; empty: all
  std::array<std::optional<WindowSpec>, kWindowLimits.size()> windows;  // by position in kWindowLimits
  int64_t concurrency = 0;                                               // 0: no limit
  Charge charge = Charge::kOnUse;
  int64_t default_max_tokens = 0;  // what an up-front charge takes for a request that names no maximum
  bool count_refused = false;      // refused requests count in the request windows too
};

struct TokenDemand {
  int64_t prompt = 0;
  std::optional<int64_t> max_output;
};

struct LimitReading {
  LimitName name;
  int64_t limit, used, remaining;
  absl::Duration length;
  absl::Duration until_reset;  // until nothing counts any more; zero for concurrency
};

struct Refusal {
  LimitName name;
  int64_t limit, used, requested;
  absl::Duration length;
  absl::Duration wait;         // until this request would fit; zero for concurrency: nobody knows; infinite: never
  absl::Duration until_reset;
};

// One set of windows with its counters.
class LimitBook {
 public:
  LimitBook(const LimitSetSpec& spec, std::string scope);

  std::optional<Refusal> Check(absl::Time now, const TokenDemand& demand);
  void Admit(absl::Time now, const TokenDemand& demand);
  void CountRefused(absl::Time now);
  // Ends a request admitted at `admitted_at`: frees its slot and settles its tokens.
  void Finish(absl::Time admitted_at, absl::Time now, const TokenDemand& demand, int64_t completion);
  void AppendReadings(absl::Time now, std::vector<LimitReading>* readings);
  void Reconfigure(absl::Time now, const LimitSetSpec& spec);

  const std::string& scope() const { return scope_; }
  Window& window(LimitName name) { return *windows_[static_cast<size_t>(name)]; }
  bool has_window(LimitName name) const { return windows_[static_cast<size_t>(name)] != nullptr; }
  int64_t concurrency_limit() const { return spec_.concurrency; }
  int64_t in_flight() const { return in_flight_; }
  int64_t max_in_flight() const { return max_in_flight_; }
  int64_t admitted() const { return admitted_; }

 private:
  int64_t UpFront(const TokenDemand& demand) const;

  LimitSetSpec spec_;
  std::string scope_;  // "account" or "model NAME"
  std::array<std::unique_ptr<Window>, kWindowLimits.size()> windows_;
  int64_t in_flight_ = 0;
  int64_t max_in_flight_ = 0;
  int64_t admitted_ = 0;
};

// What an admitted request holds until its end. It outlives a reset of the account's books.
struct Admission {
  absl::Time at;
  TokenDemand demand;
  std::vector<std::shared_ptr<LimitBook>> books;
};

class AccountLimits {
 public:
  explicit AccountLimits(const std::vector<LimitSetSpec>& specs) : specs_(specs) {}

  // Admits a request, or says which limit refuses it: of several the one with the longest wait.
  std::optional<Refusal> Admit(absl::Time now, const std::string& model, const TokenDemand& demand,
                               Admission* admission);
  static void Finish(const Admission& admission, absl::Time now, int64_t completion);

  // Of each limit the tightest of all sets that hold for the model.
  std::vector<LimitReading> Readings(absl::Time now, const std::string& model);

  void Reconfigure(absl::Time now, const std::vector<LimitSetSpec>& specs);
  std::vector<std::shared_ptr<LimitBook>> AllBooks() const;

 private:
  std::vector<std::shared_ptr<LimitBook>> BooksFor(const std::string& model);

  std::vector<LimitSetSpec> specs_;
  std::map<std::pair<size_t, std::string>, std::shared_ptr<LimitBook>> books_;  // by position of the set, and model
};

}  // namespace chain429::sim
