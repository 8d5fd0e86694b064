#include "common/provider/reading_merge.h"

#include <algorithm>

namespace chain429 {
namespace {

bool Contradicts(int64_t a, int64_t b) { return a >= 0 && b >= 0 && a != b; }

void Fill(const Reading& from, Reading& into) {
  if (into.window == absl::ZeroDuration()) into.window = from.window;
  if (into.limit < 0) into.limit = from.limit;
  if (into.remaining < 0) into.remaining = from.remaining;
  // A reset belongs to the remainder that it was said of.
  if (into.reset_after == absl::InfiniteDuration() && into.remaining == from.remaining)
    into.reset_after = from.reset_after;
}

}  // namespace

void MergeReading(const Reading& from_body, std::vector<Reading>& readings) {
  const auto same_unit = [&](const Reading& r) { return r.unit == from_body.unit && !r.project_scope; };
  auto found = std::find_if(readings.begin(), readings.end(),
                            [&](const Reading& r) { return same_unit(r) && r.window == from_body.window; });
  if (found == readings.end()) {
    found = std::find_if(readings.begin(), readings.end(), [&](const Reading& r) {
      const bool unnamed = r.window == absl::ZeroDuration() || from_body.window == absl::ZeroDuration();
      return same_unit(r) && unnamed && !Contradicts(r.limit, from_body.limit);
    });
  }
  if (found == readings.end()) {
    readings.push_back(from_body);
  } else {
    Fill(from_body, *found);
  }
}

}  // namespace chain429
