#include "common/config/suggest.h"

#include <algorithm>
#include <vector>

#include "common/base/text.h"

namespace chain429 {
namespace {

constexpr size_t kLongestWord = 64;
constexpr size_t kMostCandidates = 1000;
constexpr size_t kShortestPart = 4;

// Insertions, deletions, replacements and swaps of neighbours: the last are half of all slips of the finger ("modle").
size_t Distance(const std::string& a, const std::string& b) {
  std::vector<size_t> before(b.size() + 1);
  std::vector<size_t> previous(b.size() + 1);
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    before.swap(previous);
    previous.swap(row);
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({previous[j] + 1, row[j - 1] + 1, previous[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
  }
  return row[b.size()];
}

bool IsPart(const std::string& part, const std::string& whole) {
  return part.size() >= kShortestPart && whole.find(part) != std::string::npos;
}

}  // namespace

std::string Suggest(std::string_view word, std::span<const std::string> candidates) {
  if (word.size() > kLongestWord || candidates.size() > kMostCandidates) return {};
  const std::string lower = LowerAscii(word);
  const std::string* best = nullptr;
  size_t best_distance = 0;
  const std::string* part = nullptr;
  for (const std::string& candidate : candidates) {
    if (candidate.size() > 2 * kLongestWord || candidate == word) continue;
    const std::string other = LowerAscii(candidate);
    if (part == nullptr && (IsPart(lower, other) || IsPart(other, lower))) part = &candidate;
    const size_t longer = std::max(lower.size(), other.size());
    const size_t distance = Distance(lower, other);
    // A third of the letters may be wrong, and of two letters one: of a single letter nothing is left.
    if (distance > std::max<size_t>(1, longer / 3) || 2 * distance > longer) continue;
    if (best == nullptr || distance < best_distance) {
      best = &candidate;
      best_distance = distance;
    }
  }
  if (best == nullptr) best = part;
  return best == nullptr ? std::string() : *best;
}

}  // namespace chain429
