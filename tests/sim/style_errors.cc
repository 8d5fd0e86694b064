#include "tests/sim/document.h"
#include "tests/sim/duration_text.h"
#include "tests/sim/styles.h"

namespace chain429::sim {
namespace {

HttpAnswer JsonAnswer(int status, const Json& body) {
  HttpAnswer answer;
  answer.status = status;
  answer.body = body.dump(-1, ' ', false, Json::error_handler_t::replace);
  return answer;
}

bool PerDay(LimitName name) { return name == LimitName::kRpd || name == LimitName::kTpd; }

// "tokens per minute (TPM)" and its kin.
std::string WindowWords(LimitName name, const std::string& minute) {
  switch (name) {
    case LimitName::kRpm:
      return "requests per " + minute + " (RPM)";
    case LimitName::kRph:
      return "requests per hour (RPH)";
    case LimitName::kRpd:
      return "requests per day (RPD)";
    case LimitName::kTpm:
      return "tokens per " + minute + " (TPM)";
    case LimitName::kTph:
      return "tokens per hour (TPH)";
    case LimitName::kTpd:
      return "tokens per day (TPD)";
    case LimitName::kConcurrency:
      return "concurrent requests";
  }
  return "";
}

std::string UnitWord(const Refusal& refusal) { return IsTokens(refusal.name) ? "tokens" : "requests"; }

bool NeverFits(const Refusal& refusal) { return refusal.wait == absl::InfiniteDuration(); }

std::string Counted(const Refusal& refusal) {
  return "Limit " + std::to_string(refusal.limit) + ", Used " + std::to_string(refusal.used) + ", Requested " +
         std::to_string(refusal.requested) + ". Please try again in " + GoDuration(refusal.wait) + ".";
}

HttpAnswer OpenAiRefusal(const Refusal& refusal, const std::string& model) {
  std::string where = model + " in organization org-sim on " + WindowWords(refusal.name, "min") + ": ";
  std::string message;
  if (NeverFits(refusal)) {
    message = "Request too large for " + where + "Limit " + std::to_string(refusal.limit) + ", Requested " +
              std::to_string(refusal.requested) +
              ". The input or output tokens must be reduced in order to run successfully.";
  } else {
    message = "Rate limit reached for " + where + Counted(refusal);
  }
  Json error = {{"message", message}, {"type", UnitWord(refusal)}, {"param", nullptr}, {"code", "rate_limit_exceeded"}};
  return JsonAnswer(429, {{"error", error}});
}

HttpAnswer GroqRefusal(const Refusal& refusal, const std::string& model) {
  std::string where = " for model `" + model + "` in organization `org_sim` service tier `on_demand` on " +
                      WindowWords(refusal.name, "minute") + ": ";
  std::string upgrade = "Need more tokens? Upgrade to Dev Tier today at https://console.groq.com/settings/billing";
  std::string message;
  if (NeverFits(refusal)) {
    message = "Request too large" + where + "Limit " + std::to_string(refusal.limit) + ", Requested " +
              std::to_string(refusal.requested) + ", please reduce your message size and try again. " + upgrade;
  } else {
    message = "Rate limit reached" + where + Counted(refusal) + " " + upgrade;
  }
  Json error = {{"message", message}, {"type", UnitWord(refusal)}, {"code", "rate_limit_exceeded"}};
  return JsonAnswer(NeverFits(refusal) ? 413 : 429, {{"error", error}});
}

HttpAnswer CerebrasRefusal(const Refusal& refusal) {
  Json body;
  if (refusal.name == LimitName::kConcurrency) {
    body = {{"message", "We're experiencing high traffic right now! Please try again soon."},
            {"type", "too_many_requests_error"},
            {"param", "queue"},
            {"code", "queue_exceeded"}};
  } else {
    std::string unit = IsTokens(refusal.name) ? "Tokens" : "Requests";
    std::string span = PerDay(refusal.name) ? "day" : refusal.length > absl::Minutes(1) ? "hour" : "minute";
    body = {{"message", unit + " per " + span + " limit exceeded - too many " + UnitWord(refusal) + " " +
                            (IsTokens(refusal.name) ? "processed." : "sent.")},
            {"type", "too_many_requests_error"},
            {"param", "quota"},
            {"code", IsTokens(refusal.name) ? "token_quota_exceeded" : "request_quota_exceeded"}};
  }
  return JsonAnswer(429, body);
}

HttpAnswer OpenRouterRefusal(const Refusal& refusal, absl::Time now) {
  std::string message = PerDay(refusal.name)
                            ? "Rate limit exceeded: free-models-per-day. Add 10 credits to unlock 1000 free model "
                              "requests per day"
                            : "Rate limit exceeded: free-models-per-min. ";
  Json metadata = Json::object();
  Json headers = Json::object();
  LimitView view;
  view.refusal = refusal;
  view.now = now;
  static constexpr const char* kMirrored[] = {"X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"};
  size_t i = 0;
  for (const Header& header : LimitHeaders(Style::kOpenRouter, view)) headers[kMirrored[i++]] = header.second;
  metadata["headers"] = headers;
  metadata["provider_name"] = nullptr;
  if (PerDay(refusal.name)) metadata["limit_source"] = "openrouter_free_tier_daily";
  return JsonAnswer(429, {{"error", {{"message", message}, {"code", 429}, {"metadata", metadata}}}});
}

HttpAnswer GeminiRefusal(const Refusal& refusal, const std::string& model) {
  bool tokens = IsTokens(refusal.name);
  std::string span = PerDay(refusal.name) ? "Day" : "Minute";
  std::string id = tokens ? "GenerateContentInputTokensPerModelPer" + span + "-FreeTier"
                          : "GenerateRequestsPer" + span + "PerProjectPerModel-FreeTier";
  std::string metric = std::string("generativelanguage.googleapis.com/generate_content_free_tier_") +
                       (tokens ? "input_token_count" : "requests");
  // Even for a day's quota the delay says seconds; clients have to know better.
  absl::Duration delay = PerDay(refusal.name) || NeverFits(refusal) ? absl::Seconds(20) : refusal.wait;
  std::string seconds = FloatSeconds(delay) + "s";
  Json violation = {{"quotaMetric", metric},
                    {"quotaId", id},
                    {"quotaDimensions", {{"location", "global"}, {"model", model}}},
                    {"quotaValue", std::to_string(refusal.limit)}};
  Json details =
      Json::array({{{"@type", "type.googleapis.com/google.rpc.QuotaFailure"}, {"violations", Json::array({violation})}},
                   {{"@type", "type.googleapis.com/google.rpc.Help"}, {"links", Json::array()}},
                   {{"@type", "type.googleapis.com/google.rpc.RetryInfo"}, {"retryDelay", seconds}}});
  Json error = {{"code", 429},
                {"message",
                 "You exceeded your current quota, please check your plan and billing details.\n* Quota "
                 "exceeded for metric: " +
                     metric + ", limit: " + std::to_string(refusal.limit) + ", model: " + model + "\nPlease retry in " +
                     seconds + "."},
                {"status", "RESOURCE_EXHAUSTED"},
                {"details", details}};
  Json body = Json::array();
  body.push_back({{"error", error}});
  return JsonAnswer(429, body);
}

HttpAnswer CloudflareError(int status, const std::string& message, int code) {
  Json errors = Json::array();
  errors.push_back({{"message", "AiError: " + message}, {"code", code}});
  return JsonAnswer(status,
                    {{"errors", errors}, {"success", false}, {"result", Json::object()}, {"messages", Json::array()}});
}

std::string PlainLimitWords(const Refusal& refusal) {
  return "Rate limit of " + std::to_string(refusal.limit) + " " + UnitWord(refusal) + " exceeded";
}

}  // namespace

HttpAnswer RefusalAnswer(Style style, const Refusal& refusal, const std::string& model, absl::Time now) {
  switch (style) {
    case Style::kOpenAi:
      return OpenAiRefusal(refusal, model);
    case Style::kGroq:
      return GroqRefusal(refusal, model);
    case Style::kCerebras:
      return CerebrasRefusal(refusal);
    case Style::kOpenRouter:
      return OpenRouterRefusal(refusal, now);
    case Style::kGemini:
      return GeminiRefusal(refusal, model);
    case Style::kAzure:
      return JsonAnswer(429, {{"error",
                               {{"code", "429"},
                                {"message",
                                 "Requests to the ChatCompletions_Create Operation under Azure "
                                 "OpenAI API have exceeded " +
                                     std::string(IsTokens(refusal.name) ? "token" : "call") +
                                     " rate limit of your current OpenAI S0 pricing tier. Please "
                                     "retry after " +
                                     WholeSeconds(std::min(refusal.wait, absl::Hours(24))) + " seconds."}}}});
    case Style::kAnthropic:
      return ErrorAnswer(style, 429,
                         "Number of request " + UnitWord(refusal) + " has exceeded your per-minute rate limit",
                         "rate_limit_error", "");
    case Style::kMistral:
      return JsonAnswer(429, {{"object", "error"},
                              {"message", "Rate limit exceeded"},
                              {"type", "rate_limited"},
                              {"param", nullptr},
                              {"code", "1300"},
                              {"raw_status_code", 429}});
    case Style::kNvidia:
      return JsonAnswer(429, {{"status", 429}, {"title", "Too Many Requests"}});
    case Style::kCohere:
      return JsonAnswer(429, {{"id", "sim"},
                              {"message", "You are using a Trial key, which is limited to " +
                                              std::to_string(refusal.limit) + " API calls / minute."}});
    case Style::kCloudflare:
      if (!PerDay(refusal.name)) return CloudflareError(429, "No more capacity", 3040);
      return CloudflareError(
          429, "AiError: you have used up your daily free allocation of " + std::to_string(refusal.limit) + " neurons",
          4006);
    case Style::kDeepSeek:
      return ErrorAnswer(style, 429, "Rate limit reached", "rate_limit_error", "");
    case Style::kNone:
    case Style::kSambaNova:
    case Style::kGeneric:
    case Style::kIetf:
    case Style::kIetfOld:
      return ErrorAnswer(style, 429, PlainLimitWords(refusal), UnitWord(refusal), "rate_limit_exceeded");
  }
  return {};
}

HttpAnswer ErrorAnswer(Style style, int status, const std::string& message, const std::string& type,
                       const std::string& code) {
  Json code_or_null = code.empty() ? Json(nullptr) : Json(code);
  switch (style) {
    case Style::kAnthropic:
      return JsonAnswer(
          status, {{"type", "error"}, {"error", {{"type", type}, {"message", message}}}, {"request_id", "req_sim"}});
    case Style::kGemini: {
      std::string word = status == 401   ? "UNAUTHENTICATED"
                         : status == 403 ? "PERMISSION_DENIED"
                         : status == 404 ? "NOT_FOUND"
                         : status == 503 ? "UNAVAILABLE"
                         : status >= 500 ? "INTERNAL"
                                         : "INVALID_ARGUMENT";
      Json body = Json::array();
      body.push_back({{"error", {{"code", status}, {"message", message}, {"status", word}}}});
      return JsonAnswer(status, body);
    }
    case Style::kCerebras:
      return JsonAnswer(status, {{"message", message}, {"type", type}, {"param", nullptr}, {"code", code_or_null}});
    case Style::kOpenRouter:
      return JsonAnswer(status, {{"error", {{"message", message}, {"code", status}}}});
    case Style::kMistral:
      return JsonAnswer(status, {{"object", "error"},
                                 {"message", message},
                                 {"type", type},
                                 {"param", nullptr},
                                 {"code", code_or_null},
                                 {"raw_status_code", status}});
    case Style::kNvidia:
      return JsonAnswer(status, {{"status", status}, {"title", ReasonOf(status)}, {"detail", message}});
    case Style::kCohere:
      return JsonAnswer(status, {{"id", "sim"}, {"message", message}});
    case Style::kCloudflare:
      return CloudflareError(status, message, status * 10);
    case Style::kNone:
    case Style::kOpenAi:
    case Style::kAzure:
    case Style::kGroq:
    case Style::kSambaNova:
    case Style::kDeepSeek:
    case Style::kGeneric:
    case Style::kIetf:
    case Style::kIetfOld:
      return JsonAnswer(
          status, {{"error", {{"message", message}, {"type", type}, {"param", nullptr}, {"code", code_or_null}}}});
  }
  return {};
}

HttpAnswer UsualError(Style style, int status, const std::string& model) {
  switch (status) {
    case 400:
      return ErrorAnswer(style, status, "The request is invalid.", "invalid_request_error", "");
    case 401:
      return ErrorAnswer(style, status, "Invalid API key provided.", "invalid_request_error", "invalid_api_key");
    case 402:
      return ErrorAnswer(style, status, "Payment required", "payment_required_error", "payment_required");
    case 403:
      return ErrorAnswer(style, status, "You are not allowed to do this.", "permission_error", "permission_denied");
    case 404:
      return ErrorAnswer(style, status, "The model `" + model + "` does not exist or you do not have access to it.",
                         "invalid_request_error", "model_not_found");
    case 413:
      return ErrorAnswer(style, status, "The request is too large.", "invalid_request_error", "request_too_large");
    case 429:
      return ErrorAnswer(style, status, "Rate limit reached", "requests", "rate_limit_exceeded");
    case 503:
    case 529:
      return ErrorAnswer(style, status, "The server is overloaded.", "overloaded_error", "");
    default:
      return ErrorAnswer(style, status, "The server had an error.", "server_error", "");
  }
}

}  // namespace chain429::sim
