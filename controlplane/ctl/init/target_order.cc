#include "controlplane/ctl/init/target_order.h"

#include <algorithm>
#include <functional>
#include <iterator>

#include "controlplane/ctl/init/free_tier.h"

namespace chain429 {
namespace {

// From these on a model counts as fast, clever, or good for long texts.
constexpr int64_t kFast = 7;
constexpr int64_t kSmart = 6;
constexpr int64_t kLong = 100'000;

int Turn(Plan plan) {
  switch (plan) {
    case Plan::kFree:
    case Plan::kTrial:
      return 0;
    case Plan::kLocal:
      return 1;
    case Plan::kCredit:
      return 2;
    case Plan::kPaid:
      return 3;
  }
  return 3;
}

int64_t Longest(const FoundProvider& provider, const SetupModel& model) {
  const FreeTier tier = FreeTierOf(*provider.entry);
  int64_t longest = model.context;
  for (const Allowance& allowance : tier.allowances) {
    const bool holds = allowance.model.empty() || allowance.model == model.id;
    if (holds && allowance.tokens_per_minute) longest = std::min(longest, *allowance.tokens_per_minute);
  }
  return longest;
}

using Score = std::function<int64_t(const Candidate&)>;

std::vector<Candidate> Ordered(std::vector<Candidate> candidates, const Score& score) {
  std::stable_sort(candidates.begin(), candidates.end(), [&](const Candidate& a, const Candidate& b) {
    return Turn(a.plan) != Turn(b.plan) ? Turn(a.plan) < Turn(b.plan) : score(a) > score(b);
  });
  return candidates;
}

std::vector<Candidate> Suitable(const std::vector<Candidate>& all, bool paid, const Score& score, int64_t least) {
  std::vector<Candidate> suitable;
  std::copy_if(all.begin(), all.end(), std::back_inserter(suitable), [&](const Candidate& candidate) {
    return (paid || candidate.plan != Plan::kPaid) && score(candidate) >= least;
  });
  return Ordered(std::move(suitable), score);
}

}  // namespace

std::vector<Candidate> Candidates(const std::vector<FoundProvider>& providers,
                                  const std::vector<LocalServer>& servers) {
  std::vector<Candidate> all;
  for (const FoundProvider& provider : providers) {
    for (const SetupModel& model : BestModels(*provider.entry))
      all.push_back({provider.entry->kind, provider.entry->setup->plan, model, Longest(provider, model)});
  }
  for (const LocalServer& server : servers) {
    for (const std::string& model : server.models) all.push_back({server.entry->kind, Plan::kLocal, {model}, 0});
  }
  return Ordered(std::move(all),
                 [](const Candidate& candidate) { return candidate.model.quality + candidate.model.speed; });
}

std::vector<Candidate> FastOnes(const std::vector<Candidate>& all, bool paid) {
  return Suitable(all, paid, [](const Candidate& candidate) { return candidate.model.speed; }, kFast);
}

std::vector<Candidate> SmartOnes(const std::vector<Candidate>& all, bool paid) {
  return Suitable(all, paid, [](const Candidate& candidate) { return candidate.model.quality; }, kSmart);
}

std::vector<Candidate> LongOnes(const std::vector<Candidate>& all, bool paid) {
  return Suitable(all, paid, [](const Candidate& candidate) { return candidate.longest; }, kLong);
}

}  // namespace chain429
