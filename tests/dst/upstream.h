#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "tests/dst/call.h"
#include "tests/dst/network.h"
#include "tests/dst/observer.h"
#include "tests/dst/provider_window.h"
#include "tests/dst/world.h"

namespace chain429::dst {

// How a provider speaks of its limits: the header and error styles of kinds in the catalogue.
enum class Manner {
  kSilent,      // no headers; a bare 429
  kRetryAfter,  // no headers but for retry-after on a 429
  kOpenAi,      // x-ratelimit-* without windows
  kGroq,        // the day's requests and the minute's tokens; the rest in error texts
  kGemini,      // nothing but details in the bodies of failures
  kOpenRouter,  // headers within the bodies of failures
  kCerebras,    // headers that name their windows
};

// When tokens are counted.
enum class TokenCounting {
  kUpFront,  // prompt and max_tokens when the request comes; what was not written is given back at the end
  kOnUse,    // the prompt when the request comes, the output as it is written
};

// A provider's account with exact limits of its own.
class Upstream {
 public:
  struct Options {
    std::string name;
    std::vector<ProviderLimit> limits = {};
    Manner manner = Manner::kSilent;
    TokenCounting charge = TokenCounting::kOnUse;
    int64_t default_output = 1024;  // charged up front where a request has no max_tokens
    Quality path{absl::Milliseconds(20), absl::Milliseconds(8), 0};
    absl::Duration clock_off = absl::ZeroDuration();  // of its wall clock
    // Answers are on their way for up to so much longer, and this share of the heads repeats an earlier one's numbers.
    absl::Duration late_heads = absl::ZeroDuration();
    double stale_heads = 0;
  };
  Upstream(World& world, const Options& options, const Observers& observers);

  // Written by a proxy now.
  void Send(const std::shared_ptr<Call>& call);
  // The caller has closed the connection.
  void HangUp(const std::shared_ptr<Call>& call);
  // A new amount from now on, told to nobody.
  void SetLimit(size_t index, int64_t amount);
  // Somebody else with the same key sends so many requests in each minute, of this size.
  void AddStranger(double per_minute, int64_t tokens);

  const std::string& name() const { return options_.name; }
  const std::vector<ProviderLimit>& limits() const { return options_.limits; }
  // Calls that are being answered.
  size_t open() const { return open_.size(); }
  // Of them, those whose callers have left without their having noticed, or that have no permit.
  int64_t Hanging() const;
  int64_t Used(size_t index) { return windows_[index]->Used(Moment()); }
  int64_t by_strangers() const { return by_strangers_; }
  World& world() const { return world_; }

 private:
  using Entries = std::vector<uint64_t>;  // by which a request was counted, one for each limit
  ProviderWindow::Moment Moment() const { return {world_.now(), world_.wall() + options_.clock_off}; }
  absl::Duration Travel();
  void Arrive(const std::shared_ptr<Call>& call);
  int64_t CostOf(size_t index, const ClientRequest& request) const;
  // The first limit that the request does not fit into; -1: it fits.
  int Full(const ClientRequest& request);
  Entries Charge(const ClientRequest& request);
  void Begin(const std::shared_ptr<Call>& call);
  void WriteOutput(int64_t tokens);
  void Finish(const std::shared_ptr<Call>& call);
  void Reply(const std::shared_ptr<Call>& call, ProviderAnswer answer, absl::Duration after);
  void Stranger(double per_minute, int64_t tokens);

  // answer.cc
  std::vector<std::pair<std::string, std::string>> Head();
  ProviderAnswer Refusal(const Call& call, size_t index);
  void AddFields(ProviderAnswer& answer, size_t index, const std::string& suffix);

  World& world_;
  Options options_;
  const Observers& observers_;
  Random random_;
  std::vector<std::unique_ptr<ProviderWindow>> windows_;  // one for each limit
  struct Open {
    std::shared_ptr<const Call> call;
    Entries entries;
  };
  absl::flat_hash_map<uint64_t, Open> open_;  // calls that are being answered, by id
  struct OldHead {
    MonoTime at;
    std::vector<std::pair<std::string, std::string>> fields;
  };
  std::deque<OldHead> old_heads_;
  int64_t by_strangers_ = 0;
};

}  // namespace chain429::dst
