#include "common/model/charging.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>

#include "absl/numeric/int128.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace chain429 {
namespace {

constexpr int64_t kTokensOfARate = 1'000'000;
// Sums of many costs stay within 64 bits, whatever a rate says.
constexpr int64_t kHighestCost = int64_t{1} << 50;
constexpr int64_t kMostCredits = 1'000'000'000;
constexpr size_t kDecimals = 6;

// Digits and nothing else.
std::optional<int64_t> ParseDigits(std::string_view text) {
  const bool digits =
      !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  int64_t value = 0;
  if (!digits || std::from_chars(text.data(), text.data() + text.size(), value).ec != std::errc()) return std::nullopt;
  return value;
}

}  // namespace

int64_t CreditRates::Of(int64_t requests, int64_t input_tokens, int64_t output_tokens) const {
  const absl::int128 tokens = absl::int128(input) * input_tokens + absl::int128(output) * output_tokens;
  const absl::int128 cost = absl::int128(request) * requests + (tokens + kTokensOfARate - 1) / kTokensOfARate;
  return static_cast<int64_t>(std::clamp<absl::int128>(cost, 0, kHighestCost));
}

std::string CreditsText(int64_t micros) {
  const int64_t whole = micros / kMicrosPerCredit;
  const int64_t rest = micros % kMicrosPerCredit;
  if (rest == 0) return absl::StrCat(whole);
  std::string text = absl::StrFormat("%s%d.%06d", micros < 0 ? "-" : "", std::abs(whole), std::abs(rest));
  text.erase(text.find_last_not_of('0') + 1);
  return text;
}

std::optional<int64_t> ParseCredits(std::string_view text) {
  const size_t point = std::min(text.find('.'), text.size());
  const std::optional<int64_t> whole = ParseDigits(text.substr(0, point));
  if (!whole || *whole > kMostCredits) return std::nullopt;
  if (point == text.size()) return *whole * kMicrosPerCredit;
  std::string decimals(text.substr(point + 1));
  if (decimals.size() > kDecimals || decimals.empty()) return std::nullopt;
  decimals.resize(kDecimals, '0');
  const std::optional<int64_t> rest = ParseDigits(decimals);
  const int64_t micros = *whole * kMicrosPerCredit + rest.value_or(0);
  return rest && micros <= kMostCredits * kMicrosPerCredit ? std::optional(micros) : std::nullopt;
}

}  // namespace chain429
