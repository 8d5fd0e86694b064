#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "tests/sim/http_text.h"
#include "tests/sim/limits.h"

namespace chain429::sim {

// How the known providers tell of their limits: names and formats of headers, shapes of error bodies. Pure.

enum class Style {
  kNone,        // no rate-limit headers, errors in OpenAI's shape
  kOpenAi,
  kAzure,
  kAnthropic,   // Anthropic's headers on an OpenAI-compatible answer
  kGemini,
  kGroq,
  kCerebras,
  kOpenRouter,
  kMistral,
  kSambaNova,
  kNvidia,
  kCohere,
  kCloudflare,
  kDeepSeek,
  kGeneric,     // x-ratelimit-limit/-remaining/-reset with epoch seconds, on every answer
  kIetf,        // RateLimit and RateLimit-Policy (structured fields)
  kIetfOld,     // RateLimit-Limit, -Remaining, -Reset (delta seconds)
};

struct StyleWord {
  std::string_view word;
  Style style;
};
const std::vector<StyleWord>& StyleWords();

// How a 429 says when to come back.
enum class RetryAfter { kStyle, kNone, kSeconds, kFloat, kMillis, kDate };

struct LimitView {
  std::vector<LimitReading> readings;
  std::optional<Refusal> refusal;  // set on a 429
  bool stream = false;
  int64_t cost = 0;                // tokens charged to the request
  absl::Time now;
};

// The rate-limit headers that `style` shows.
std::vector<Header> LimitHeaders(Style style, const LimitView& view);

// retry-after and its relatives for a 429.
std::vector<Header> RetryHeaders(Style style, RetryAfter how, const Refusal& refusal, absl::Time now);

// The answer to a refused request: 429 with the provider's body (413 where the provider says so when a request can
// never fit), without rate-limit headers.
HttpAnswer RefusalAnswer(Style style, const Refusal& refusal, const std::string& model, absl::Time now);

// Any other error in the provider's shape. `type` and `code` are OpenAI's words for it.
HttpAnswer ErrorAnswer(Style style, int status, const std::string& message, const std::string& type,
                       const std::string& code);

// The error that a provider would send with this status, with a default message.
HttpAnswer UsualError(Style style, int status, const std::string& model);

}  // namespace chain429::sim
