#include <algorithm>

#include "tests/sim/duration_text.h"
#include "tests/sim/styles.h"

namespace chain429::sim {
namespace {

using Headers = std::vector<Header>;

std::string Millis(absl::Time time) {
  return std::to_string(absl::ToInt64Milliseconds(absl::Ceil(time - absl::UnixEpoch(), absl::Milliseconds(1))));
}

const LimitReading* Find(const LimitView& view, LimitName name) {
  for (const LimitReading& reading : view.readings) {
    if (reading.name == name) return &reading;
  }
  return nullptr;
}

// A provider with one header per unit shows the limit that refuses, else the shortest window.
const LimitReading* Shown(const LimitView& view, const std::vector<LimitName>& names) {
  for (LimitName name : names) {
    if (view.refusal && view.refusal->name == name) return Find(view, name);
  }
  for (LimitName name : names) {
    if (const LimitReading* reading = Find(view, name)) return reading;
  }
  return nullptr;
}

const LimitReading* ShownRequests(const LimitView& view) {
  return Shown(view, {LimitName::kRpm, LimitName::kRph, LimitName::kRpd});
}

const LimitReading* ShownTokens(const LimitView& view) {
  return Shown(view, {LimitName::kTpm, LimitName::kTph, LimitName::kTpd});
}

void AddLimit(const std::string& prefix, const std::string& suffix, const LimitReading* reading, Headers* headers) {
  if (reading == nullptr) return;
  headers->emplace_back(prefix + "limit" + suffix, std::to_string(reading->limit));
  headers->emplace_back(prefix + "remaining" + suffix, std::to_string(reading->remaining));
}

Headers WithGoResets(const LimitReading* requests, const LimitReading* tokens) {
  Headers headers;
  AddLimit("x-ratelimit-", "-requests", requests, &headers);
  if (requests) headers.emplace_back("x-ratelimit-reset-requests", GoDuration(requests->until_reset));
  AddLimit("x-ratelimit-", "-tokens", tokens, &headers);
  if (tokens) headers.emplace_back("x-ratelimit-reset-tokens", GoDuration(tokens->until_reset));
  return headers;
}

Headers Azure(const LimitView& view) {
  Headers headers;
  for (const auto& [reading, unit] : {std::pair{ShownRequests(view), "-requests"}, {ShownTokens(view), "-tokens"}}) {
    if (reading == nullptr) continue;
    AddLimit("x-ratelimit-", unit, reading, &headers);
    headers.emplace_back(std::string("x-ratelimit-renewalperiod") + unit, WholeSeconds(reading->length));
    headers.emplace_back(std::string("x-ratelimit-reset") + unit, WholeSeconds(reading->until_reset));
  }
  return headers;
}

Headers Anthropic(const LimitView& view) {
  Headers headers;
  for (const auto& [reading, unit] : {std::pair{ShownRequests(view), "requests"}, {ShownTokens(view), "tokens"}}) {
    if (reading == nullptr) continue;
    std::string prefix = std::string("anthropic-ratelimit-") + unit;
    headers.emplace_back(prefix + "-limit", std::to_string(reading->limit));
    headers.emplace_back(prefix + "-remaining", std::to_string(reading->remaining));
    headers.emplace_back(prefix + "-reset", Rfc3339(view.now + reading->until_reset));
  }
  return headers;
}

// Every window has its own names; a reset is told only of the day's requests and the minute's tokens.
Headers Cerebras(const LimitView& view) {
  Headers headers;
  struct Item {
    LimitName name;
    const char* suffix;
  };
  for (const Item& item : {Item{LimitName::kRpm, "-requests-minute"}, Item{LimitName::kRph, "-requests-hour"},
                           Item{LimitName::kRpd, "-requests-day"}, Item{LimitName::kTpm, "-tokens-minute"},
                           Item{LimitName::kTph, "-tokens-hour"}, Item{LimitName::kTpd, "-tokens-day"}}) {
    const LimitReading* reading = Find(view, item.name);
    AddLimit("x-ratelimit-", item.suffix, reading, &headers);
    if (reading != nullptr && (item.name == LimitName::kRpd || item.name == LimitName::kTpm)) {
      headers.emplace_back(std::string("x-ratelimit-reset") + item.suffix, FloatSeconds(reading->until_reset));
    }
  }
  return headers;
}

Headers OpenRouter(const LimitView& view) {
  if (!view.refusal || view.refusal->name == LimitName::kConcurrency) return {};
  return {{"x-ratelimit-limit", std::to_string(view.refusal->limit)},
          {"x-ratelimit-remaining", "0"},
          {"x-ratelimit-reset", Millis(view.now + std::min(view.refusal->wait, view.refusal->until_reset))}};
}

Headers Mistral(const LimitView& view) {
  if (view.stream && !view.refusal) return {};
  Headers headers;
  AddLimit("x-ratelimit-", "-req-minute", Find(view, LimitName::kRpm), &headers);
  AddLimit("x-ratelimit-", "-tokens-minute", Find(view, LimitName::kTpm), &headers);
  if (!view.refusal) headers.emplace_back("x-ratelimit-tokens-query-cost", std::to_string(view.cost));
  return headers;
}

Headers SambaNova(const LimitView& view) {
  Headers headers;
  AddLimit("x-ratelimit-", "-requests", Find(view, LimitName::kRpm), &headers);
  AddLimit("x-ratelimit-", "-requests-day", Find(view, LimitName::kRpd), &headers);
  return headers;
}

Headers Generic(const LimitView& view) {
  const LimitReading* reading = ShownRequests(view);
  if (reading == nullptr) return {};
  Headers headers;
  AddLimit("x-ratelimit-", "", reading, &headers);
  absl::Duration reset = view.now + reading->until_reset - absl::UnixEpoch();
  headers.emplace_back("x-ratelimit-reset", WholeSeconds(reset));
  return headers;
}

Headers Ietf(const LimitView& view) {
  std::string states, policies;
  for (const LimitReading& reading : view.readings) {
    if (reading.name == LimitName::kConcurrency) continue;
    std::string name = (states.empty() ? "\"" : ", \"") + std::string(LimitKey(reading.name)) + "\"";
    states += name + ";r=" + std::to_string(reading.remaining) + ";t=" + WholeSeconds(reading.until_reset);
    policies += name + ";q=" + std::to_string(reading.limit) + ";w=" + WholeSeconds(reading.length);
    if (IsTokens(reading.name)) policies += ";qu=\"tokens\"";
  }
  if (states.empty()) return {};
  return {{"ratelimit", states}, {"ratelimit-policy", policies}};
}

Headers IetfOld(const LimitView& view) {
  const LimitReading* reading = ShownRequests(view);
  if (reading == nullptr) return {};
  std::string limit = std::to_string(reading->limit);
  return {{"ratelimit-limit", limit + ", " + limit + ";w=" + WholeSeconds(reading->length)},
          {"ratelimit-remaining", std::to_string(reading->remaining)},
          {"ratelimit-reset", WholeSeconds(reading->until_reset)}};
}

RetryAfter UsualRetryAfter(Style style) {
  switch (style) {
    case Style::kOpenAi:
    case Style::kAzure:
      return RetryAfter::kMillis;
    case Style::kAnthropic:
    case Style::kGroq:
    case Style::kCerebras:
    case Style::kIetf:
    case Style::kIetfOld:
      return RetryAfter::kSeconds;
    case Style::kNone:
    case Style::kGemini:
    case Style::kOpenRouter:
    case Style::kMistral:
    case Style::kSambaNova:
    case Style::kNvidia:
    case Style::kCohere:
    case Style::kCloudflare:
    case Style::kDeepSeek:
    case Style::kGeneric:
      return RetryAfter::kNone;
  }
  return RetryAfter::kNone;
}

}  // namespace

const std::vector<StyleWord>& StyleWords() {
  static const auto* words = new std::vector<StyleWord>{{"none", Style::kNone},
                                                        {"openai", Style::kOpenAi},
                                                        {"azure", Style::kAzure},
                                                        {"anthropic", Style::kAnthropic},
                                                        {"gemini", Style::kGemini},
                                                        {"groq", Style::kGroq},
                                                        {"cerebras", Style::kCerebras},
                                                        {"openrouter", Style::kOpenRouter},
                                                        {"mistral", Style::kMistral},
                                                        {"sambanova", Style::kSambaNova},
                                                        {"nvidia", Style::kNvidia},
                                                        {"cohere", Style::kCohere},
                                                        {"cloudflare", Style::kCloudflare},
                                                        {"deepseek", Style::kDeepSeek},
                                                        {"generic", Style::kGeneric},
                                                        {"ietf", Style::kIetf},
                                                        {"ietf_old", Style::kIetfOld}};
  return *words;
}

std::vector<Header> LimitHeaders(Style style, const LimitView& view) {
  switch (style) {
    case Style::kOpenAi:
      return WithGoResets(ShownRequests(view), ShownTokens(view));
    case Style::kGroq:
      return WithGoResets(Find(view, LimitName::kRpd), Find(view, LimitName::kTpm));
    case Style::kAzure:
      return Azure(view);
    case Style::kAnthropic:
      return Anthropic(view);
    case Style::kCerebras:
      return view.refusal ? Headers{} : Cerebras(view);
    case Style::kOpenRouter:
      return OpenRouter(view);
    case Style::kMistral:
      return Mistral(view);
    case Style::kSambaNova:
      return SambaNova(view);
    case Style::kCohere: {
      Headers headers;
      if (!view.refusal) AddLimit("x-trial-endpoint-call-", "", Find(view, LimitName::kRpm), &headers);
      return headers;
    }
    case Style::kGeneric:
      return Generic(view);
    case Style::kIetf:
      return Ietf(view);
    case Style::kIetfOld:
      return IetfOld(view);
    case Style::kNone:
    case Style::kGemini:
    case Style::kNvidia:
    case Style::kCloudflare:
    case Style::kDeepSeek:
      return {};
  }
  return {};
}

std::vector<Header> RetryHeaders(Style style, RetryAfter how, const Refusal& refusal, absl::Time now) {
  if (refusal.name == LimitName::kConcurrency) {
    // Cerebras' queue 429: come back, but nobody knows when.
    if (style == Style::kCerebras) return {{"x-should-retry", "false"}};
    return {};
  }
  absl::Duration wait = refusal.wait;
  // A request that can never fit: Groq sends a wait all the same, others nothing.
  if (wait == absl::InfiniteDuration()) {
    if (style != Style::kGroq) return {};
    wait = std::max(refusal.until_reset, absl::Seconds(1));
  }
  switch (how == RetryAfter::kStyle ? UsualRetryAfter(style) : how) {
    case RetryAfter::kStyle:
    case RetryAfter::kNone:
      return {};
    case RetryAfter::kSeconds:
      return {{"retry-after", WholeSeconds(wait)}};
    case RetryAfter::kFloat:
      return {{"retry-after", FloatSeconds(absl::Ceil(wait, absl::Milliseconds(1)))}};
    case RetryAfter::kMillis: {
      int64_t millis = absl::ToInt64Milliseconds(absl::Ceil(wait, absl::Milliseconds(1)));
      return {{"retry-after", WholeSeconds(wait)}, {"retry-after-ms", std::to_string(millis)}};
    }
    case RetryAfter::kDate:
      return {{"retry-after", HttpDate(now + wait)}};
  }
  return {};
}

}  // namespace chain429::sim
