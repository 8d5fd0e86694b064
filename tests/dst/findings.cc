#include "tests/dst/findings.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tests/dst/upstream.h"

namespace chain429::dst {
namespace {

std::string Percent(double share) { return absl::StrFormat("%.2f %%", share * 100); }
double Share(int64_t part, int64_t whole) {
  return whole > 0 ? static_cast<double>(part) / static_cast<double>(whole) : 0;
}

}  // namespace

bool Outcome::ok() const {
  return broken.empty() && std::all_of(findings.begin(), findings.end(), [](const Finding& f) { return f.ok; });
}

Finding AtMost(const std::string& what, int64_t reached, int64_t most) {
  return {absl::StrCat("<= ", most, " ", what), absl::StrCat(reached), reached <= most};
}
Finding AtLeast(const std::string& what, int64_t reached, int64_t least) {
  return {absl::StrCat(">= ", least, " ", what), absl::StrCat(reached), reached >= least};
}
Finding ShareAtLeast(const std::string& what, int64_t part, int64_t whole, double least) {
  return {absl::StrCat(">= ", Percent(least), " ", what),
          absl::StrCat(Percent(Share(part, whole)), " (", part, " of ", whole, ")"), Share(part, whole) >= least};
}
Finding ShareAtMost(const std::string& what, int64_t part, int64_t whole, double most) {
  return {absl::StrCat("<= ", Percent(most), " ", what),
          absl::StrCat(Percent(Share(part, whole)), " (", part, " of ", whole, ")"), Share(part, whole) <= most};
}
Finding Told(const std::string& what, int64_t part, int64_t whole) {
  return {absl::StrCat("(", what, ")"), absl::StrCat(Percent(Share(part, whole)), " (", part, " of ", whole, ")"),
          true};
}
Finding Check(const std::string& must, bool ok, const std::string& reached) { return {must, reached, ok}; }

Outcome Conclude(Stage& stage, std::vector<Finding> findings) {
  return {stage.world().failure(), std::move(findings), stage.world().events()};
}

void WorstWindow::OnUsed(const Upstream& upstream, int64_t tokens) {
  const MonoTime now = upstream.world().now();
  while (!uses_.empty() && now - uses_.front().first >= length_) {
    sum_ -= uses_.front().second;
    uses_.pop_front();
  }
  uses_.emplace_back(now, tokens);
  sum_ += tokens;
  most_ = std::max(most_, sum_);
}

}  // namespace chain429::dst
