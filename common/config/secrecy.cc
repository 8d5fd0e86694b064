#include "common/config/secrecy.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/base/text.h"

namespace chain429 {
namespace {

constexpr size_t kShortestKey = 20;       // no provider's keys are shorter
constexpr size_t kLongestHarmlessKey = 16;  // no key of the schema is longer

bool IsLower(char c) { return c >= 'a' && c <= 'z'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

bool LooksLikeKey(std::string_view text) {
  if (text.starts_with("sk-") || text.starts_with("gsk_") || text.starts_with("csk-") || text.starts_with("nvapi-") ||
      text.starts_with("hf_")) {
    return true;
  }
  if (text.size() < kShortestKey || text.find_first_of("/.") != std::string_view::npos) return false;
  return std::any_of(text.begin(), text.end(), IsLower) && std::any_of(text.begin(), text.end(), IsDigit);
}

std::string QuoteUnlessKey(std::string_view text) {
  return LooksLikeKey(text) ? "(hidden)" : absl::StrCat("\"", ToAbsl(text), "\"");
}

bool IsHarmlessKey(std::string_view key) {
  return !key.empty() && key.size() <= kLongestHarmlessKey &&
         std::all_of(key.begin(), key.end(), [](char c) { return IsLower(c) || c == '_'; });
}

}  // namespace chain429
