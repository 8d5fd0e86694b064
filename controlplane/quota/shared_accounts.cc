#include "controlplane/quota/shared_accounts.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

namespace chain429 {
namespace {

// Counts that lie further apart are muddled by what leaves the window meanwhile.
constexpr absl::Duration kApart = absl::Seconds(10);
constexpr absl::Duration kJitter = absl::Milliseconds(200);
constexpr int kMost = 32;
constexpr int kShown = 80;
// A provider with more accounts than that is looked at no further.
constexpr size_t kMostAlike = 8;

int ConfidenceOf(int agreed, int against) { return 100 * agreed / (agreed + 1 + 3 * against); }

}  // namespace

void SharedAccounts::SetCandidates(const Candidates& candidates) {
  absl::flat_hash_map<PoolId, Watched> before = std::exchange(watched_, {});
  for (const auto& [pool, with] : candidates) {
    Watched& watched = watched_[pool];
    const auto known = before.find(pool);
    for (const PoolId id : with) {
      Other other{id, 0, 0};
      if (known != before.end()) {
        for (const Other& old : known->second.others) {
          if (old.pool == id) other = old;
        }
      }
      watched.others.push_back(other);
    }
  }
}

void SharedAccounts::Observe(const Count& count, const std::function<const UseLog*(PoolId)>& requests_of) {
  const auto found = watched_.find(count.pool);
  if (found == watched_.end()) return;
  Watched& watched = found->second;
  if (count.at <= watched.last.at) return;
  const Count last = std::exchange(watched.last, count);
  const bool comparable = last.window == count.window && last.limit == count.limit && last.used <= count.used &&
                          count.at - last.at > 4 * kJitter && count.at - last.at <= kApart;
  const UseLog* own = requests_of(count.pool);
  if (!comparable || own == nullptr) return;
  // What was used between the two, by whichever side of the jitter each request lies on. Of the pool's own, the request
  // of each of the two counts lies where it does for certain.
  const auto least = [&](const UseLog& log) { return log.Within(last.at + kJitter, count.at - kJitter); };
  const auto most = [&](const UseLog& log) { return log.Touching(last.at - kJitter, count.at + kJitter); };
  const int64_t risen = count.used - last.used - 1;
  const int64_t others_least = risen - std::max<int64_t>(0, most(*own) - 2);
  const int64_t others_most = risen - least(*own);
  for (Other& other : watched.others) {
    const UseLog* log = requests_of(other.pool);
    if (log == nullptr || least(*log) == 0) continue;
    if (others_most < least(*log)) {
      // A use of its own that did not count here.
      other.against = std::min(other.against + 1, kMost);
      other.agreed /= 2;
    } else if (others_least > 0 && others_least <= most(*log)) {
      other.agreed = std::min(other.agreed + 1, kMost);
      if (other.agreed == kMost) other.against /= 2;
    }
  }
}

SharedAccounts::Candidates PerhapsOneAccount(const Snapshot& snapshot) {
  std::map<std::pair<uint32_t, std::string>, std::vector<PoolId>> alike;  // by provider, and model where that matters
  for (const Target& target : snapshot.targets) {
    const Provider& provider = snapshot.providers[target.provider];
    if (target.credentials.empty() || target.pools.empty()) continue;
    // A group that bears its credential's name is one that nobody chose.
    if (target.group != provider.credentials[target.credentials.front()].name) continue;
    const bool by_model = provider.pool_scope == PoolScope::kModel;
    std::vector<PoolId>& pools = alike[{target.provider, by_model ? target.model : std::string()}];
    const bool known = std::find(pools.begin(), pools.end(), target.pools.front()) != pools.end();
    if (!known && pools.size() < kMostAlike) pools.push_back(target.pools.front());
  }
  SharedAccounts::Candidates candidates;
  for (const auto& [key, pools] : alike) {
    for (const PoolId pool : pools) {
      for (const PoolId other : pools) {
        if (other != pool) candidates[pool].push_back(other);
      }
    }
  }
  return candidates;
}

SharedAccounts::Suspicion SharedAccounts::Of(PoolId pool) const {
  Suspicion best;
  const auto found = watched_.find(pool);
  if (found == watched_.end()) return best;
  for (const Other& other : found->second.others) {
    const int confidence = ConfidenceOf(other.agreed, other.against);
    if (confidence >= kShown && confidence > best.confidence) best = {other.pool, confidence};
  }
  return best;
}

}  // namespace chain429
