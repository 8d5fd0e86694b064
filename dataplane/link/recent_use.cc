#include "dataplane/link/recent_use.h"

#include <algorithm>
#include <utility>

namespace chain429 {
namespace {

constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kMinute = 60 * kSecond;
constexpr int64_t kHour = 60 * kMinute;
// Longer than any window that counts, with what the guards and fixed windows' edges add.
constexpr int64_t kKept = 25 * kHour;
// Clients can name models freely, and each name is a pool.
constexpr size_t kMaxPools = 8192;

template <typename Bucket>
void Merge(Bucket& into, const Bucket& from) {
  into.youngest = std::max(into.youngest, from.youngest);
  into.requests += from.requests;
  into.tokens += from.tokens;
}

// Moves what is older than `horizon` from the finer buckets into coarser ones of length `length`.
template <typename Buckets>
void Coarsen(Buckets& fine, Buckets& coarse, int64_t horizon, int64_t length) {
  while (!fine.empty() && fine.begin()->first < horizon) {
    const int64_t start = fine.begin()->first / length * length;
    Merge(coarse[start], fine.begin()->second);
    fine.erase(fine.begin());
  }
}

}  // namespace

void RecentUseLog::Add(PoolId pool, MonoTime sent_at, int64_t requests, int64_t tokens, MonoTime now) {
  if (pools_.size() >= kMaxPools && !pools_.contains(pool)) ForgetOld(now);
  Pool& log = pools_[pool];
  Merge(log.seconds[sent_at.nanos() / kSecond * kSecond], Bucket{sent_at, requests, tokens});
  log.last_used = now;
  if (log.seconds.size() > 64) Age(log, now);
}

void RecentUseLog::Age(Pool& pool, MonoTime now) {
  Coarsen(pool.seconds, pool.minutes, now.nanos() - kMinute, kMinute);
  Coarsen(pool.minutes, pool.hours, now.nanos() - kHour, kHour);
  while (!pool.hours.empty() && pool.hours.begin()->second.youngest.nanos() < now.nanos() - kKept)
    pool.hours.erase(pool.hours.begin());
}

void RecentUseLog::ForgetOld(MonoTime now) {
  // Half go, those used longest ago: a full table must not mean a sweep for each new name.
  std::vector<std::pair<MonoTime, PoolId>> by_age;
  by_age.reserve(pools_.size());
  for (auto& [id, pool] : pools_) by_age.emplace_back(pool.last_used, id);
  const auto middle = by_age.begin() + static_cast<ptrdiff_t>(by_age.size() / 2);
  std::nth_element(by_age.begin(), middle, by_age.end());
  for (auto it = by_age.begin(); it != middle; ++it) {
    if (it->first < now) pools_.erase(it->second);
  }
}

std::vector<RecentUse> RecentUseLog::Report(MonoTime now, size_t max_entries) {
  size_t entries = 0;
  for (auto& [id, pool] : pools_) {
    Age(pool, now);
    entries += pool.seconds.size() + pool.minutes.size() + pool.hours.size();
  }
  absl::erase_if(pools_, [](const auto& item) {
    return item.second.seconds.empty() && item.second.minutes.empty() && item.second.hours.empty();
  });
  const bool merge = entries > max_entries;
  std::vector<RecentUse> report;
  report.reserve(merge ? 3 * pools_.size() : entries);
  for (auto& [id, pool] : pools_) {
    for (const auto* buckets : {&pool.seconds, &pool.minutes, &pool.hours}) {
      Bucket all;
      for (auto it = buckets->rbegin(); it != buckets->rend(); ++it) {
        if (merge) {
          Merge(all, it->second);
        } else {
          report.push_back(
              {id, std::max(absl::ZeroDuration(), now - it->second.youngest), it->second.requests, it->second.tokens});
        }
      }
      if (all.requests > 0 || all.tokens > 0) {
        report.push_back({id, std::max(absl::ZeroDuration(), now - all.youngest), all.requests, all.tokens});
      }
    }
  }
  return report;
}

}  // namespace chain429
