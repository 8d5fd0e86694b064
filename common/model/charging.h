#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace chain429 {

// Credits are counted in millionths, so that sums stay exact whatever a provider's currency is: Cloudflare's neurons,
// Hugging Face's dollars.
inline constexpr int64_t kMicrosPerCredit = 1'000'000;

// What attempts at one model cost in the provider's own currency.
struct CreditRates {
  int64_t request = 0;  // micro-credits of each request
  int64_t input = 0;    // micro-credits of a million prompt tokens
  int64_t output = 0;   // micro-credits of a million completion tokens

  // In micro-credits, rounded up.
  int64_t Of(int64_t requests, int64_t input_tokens, int64_t output_tokens) const;
  friend bool operator==(const CreditRates&, const CreditRates&) = default;
};

// "0.05", "12.5", "10000".
std::string CreditsText(int64_t micros);
// The reverse; nothing for what is no such number, has a sign, more than six digits after its point, or is more than a
// thousand million.
std::optional<int64_t> ParseCredits(std::string_view text);

// When a provider counts the output tokens of a request.
enum class TokenCharge : uint8_t {
  kOnUse,        // as they come
  kUpFront,      // the most that the request allows, when it arrives; what was not made goes back at its end
  kUpFrontKept,  // likewise, and it never goes back
};

// How a provider counts attempts in its limits.
struct ChargeRule {
  TokenCharge tokens = TokenCharge::kOnUse;
  int64_t default_output = 0;   // up front: what a request without max_tokens is taken to allow; 0: not known
  bool counts_refused = false;  // what it answered with 429 counts in its limits of requests
  bool counts_failed = true;    // so does what failed otherwise
  friend bool operator==(const ChargeRule&, const ChargeRule&) = default;
};

}  // namespace chain429
