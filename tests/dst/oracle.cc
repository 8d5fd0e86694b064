#include "tests/dst/oracle.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <queue>
#include <utility>

namespace chain429::dst {
namespace {

int64_t CostUpFront(const Upstream::Options& upstream, const ClientRequest& request) {
  if (upstream.charge == TokenCounting::kOnUse) return request.prompt_tokens;
  return request.prompt_tokens + (request.max_output > 0 ? request.max_output : upstream.default_output);
}

// What is counted otherwise than when the request comes: a change of an entry, or an entry of its own.
struct Later {
  MonoTime at;
  size_t limit = 0;
  int64_t entry = -1;  // -1: a new one
  int64_t by = 0;
  friend bool operator>(const Later& a, const Later& b) { return a.at > b.at; }
};

}  // namespace

Optimum BestOf(const std::vector<Workload::Wish>& wishes, const Upstream::Options& upstream, absl::Time start) {
  std::vector<std::unique_ptr<ProviderWindow>> windows;
  for (const ProviderLimit& limit : upstream.limits) windows.push_back(ProviderWindow::Make(limit));
  std::priority_queue<Later, std::vector<Later>, std::greater<>> later;
  const auto moment = [&](MonoTime at) { return ProviderWindow::Moment{at, start + (at - MonoTime())}; };
  Optimum best;
  for (const Workload::Wish& wish : wishes) {
    while (!later.empty() && later.top().at <= wish.at) {
      const Later due = later.top();
      later.pop();
      if (due.entry < 0) {
        windows[due.limit]->Add(due.by, moment(due.at));
      } else {
        windows[due.limit]->Change(static_cast<uint64_t>(due.entry), due.by, moment(due.at));
      }
    }
    const ClientRequest& request = wish.request;
    const int64_t actual = request.prompt_tokens + request.output_tokens;
    const int64_t up_front = CostUpFront(upstream, request);
    bool fits = true;
    for (size_t i = 0; i < windows.size(); ++i) {
      const int64_t cost = upstream.limits[i].unit == ProviderLimit::Unit::kTokens ? up_front : 1;
      fits = fits && windows[i]->Used(moment(wish.at)) + cost <= upstream.limits[i].amount;
    }
    if (!fits) continue;
    ++best.requests;
    best.tokens += actual;
    const MonoTime end = wish.at + request.duration;
    for (size_t i = 0; i < windows.size(); ++i) {
      const bool tokens = upstream.limits[i].unit == ProviderLimit::Unit::kTokens;
      const auto entry = static_cast<int64_t>(windows[i]->Add(tokens ? up_front : 1, moment(wish.at)));
      if (upstream.limits[i].unit == ProviderLimit::Unit::kConcurrency) later.push({end, i, 0, -1});
      if (!tokens) continue;
      if (upstream.charge == TokenCounting::kUpFront) {
        later.push({end, i, entry, actual - up_front});
      } else {
        later.push({end, i, -1, request.output_tokens});
      }
    }
  }
  return best;
}

}  // namespace chain429::dst
