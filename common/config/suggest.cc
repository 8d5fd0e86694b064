#include "common/config/suggest.h"

#include "common/base/text.h"

namespace chain429 {

std::string Suggest(std::string_view word, std::span<const std::string> candidates) {
  constexpr size_t kLongestWord = 64;
  constexpr size_t kMostCandidates = 1000;
  if (word.size() > kLongestWord || candidates.size() > kMostCandidates) return {};
  return DidYouMean(word, candidates).value_or("");
}

}  // namespace chain429
