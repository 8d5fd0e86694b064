#include "controlplane/ctl/up/traffic_story.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "common/base/text.h"
#include "controlplane/ctl/terminal.h"

namespace chain429 {
namespace {

// One item of the trail: TARGET;o=OUTCOME[;s=STATUS][;ms=N][;retry=SECONDS].
struct Hop {
  std::string target;
  std::string outcome;
  std::string retry;
};

std::vector<Hop> ReadTrail(std::string_view trail) {
  std::vector<Hop> hops;
  for (const absl::string_view item : absl::StrSplit(ToAbsl(trail), ", ", absl::SkipEmpty())) {
    const std::vector<std::string> parts = absl::StrSplit(item, ';');
    Hop hop;
    hop.target = parts[0];
    for (size_t i = 1; i < parts.size(); ++i) {
      if (parts[i].starts_with("o=")) hop.outcome = parts[i].substr(2);
      if (parts[i].starts_with("retry=")) hop.retry = parts[i].substr(6);
    }
    hops.push_back(std::move(hop));
  }
  return hops;
}

std::string WhyNot(const Hop& hop) {
  const std::string retry = hop.retry.empty() ? "" : absl::StrCat(", free in ", hop.retry, " s");
  if (hop.outcome == "skipped_quota") return absl::StrCat(hop.target, " is used up", retry);
  if (hop.outcome == "skipped_cooldown") return absl::StrCat(hop.target, " is cooling down", retry);
  return absl::StrCat(hop.target, " ended in ", hop.outcome, retry);
}

}  // namespace

std::optional<std::string> TrafficStory::Tell(const TrafficResult& result) {
  ++requests_;
  std::vector<std::string> reasons;
  for (const Hop& hop : ReadTrail(result.trail)) {
    if (hop.outcome.starts_with("skipped_")) ++avoided_;
    if (hop.outcome != "ok") reasons.push_back(WhyNot(hop));
  }
  const bool good = result.status == 200;
  if (good) ++answered_;
  const std::string now = good ? result.target : absl::StrCat("status ", result.status);
  if (now == last_) return std::nullopt;
  last_ = now;
  const std::string because = reasons.empty() ? "" : absl::StrCat(": ", absl::StrJoin(reasons, "; "));
  if (good) return Printable(absl::StrCat(result.target, " answers now", because));
  if (result.status == 0) return Printable(absl::StrCat("no answer: ", result.error));
  return Printable(absl::StrCat("answered with ", result.status, because));
}

std::string TrafficStory::Summary() const {
  return absl::StrCat(requests_, " requests, ", answered_, " answered, ", avoided_, " calls avoided");
}

}  // namespace chain429
