// Runs every recorded answer of tests/data/ratelimit-headers.jsonl whose provider the catalogue knows, and the
// providerless ones by the common rules.
#include <cmath>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "common/provider/catalogue.h"
#include "common/provider/durations.h"
#include "common/provider/rules.h"
#include "gtest/gtest.h"

namespace chain429 {
namespace {

using nlohmann::json;

// The vectors' provider names where the catalogue's kind is called otherwise. "generic" are servers of no particular
// kind.
const std::map<std::string, std::string> kKindOf = {
    {"generic", "openai"}, {"llm7", "openai"}, {"llamacpp", "llama.cpp"}};

std::string WordOf(ErrorClass error_class) {
  switch (error_class) {
    case ErrorClass::kOk:
      return "ok";
    case ErrorClass::kRateLimited:
      return "rate_limited";
    case ErrorClass::kQuotaExhausted:
      return "quota_exhausted";
    case ErrorClass::kAuth:
      return "auth";
    case ErrorClass::kModelUnavailable:
      return "model_unavailable";
    case ErrorClass::kOverloaded:
      return "overloaded";
    case ErrorClass::kBadRequest:
    case ErrorClass::kRefusedHere:
      return "bad_request";
    case ErrorClass::kContextTooLong:
      return "context_too_long";
  }
  return "?";
}

bool SameClass(const std::string& wanted, ErrorClass got) {
  // A model that the plan does not include is unavailable to us.
  if (wanted == "forbidden") return got == ErrorClass::kModelUnavailable;
  return wanted == WordOf(got);
}

bool ScopeFits(const std::string& wanted, Scope got) {
  static const std::map<std::string, std::set<Scope>> kFits = {
      {"request", {Scope::kRequest}},
      {"model", {Scope::kTarget, Scope::kPool}},
      {"org+model", {Scope::kTarget, Scope::kPool}},
      {"project+model", {Scope::kTarget, Scope::kPool}},
      {"account+model", {Scope::kTarget, Scope::kPool}},
      {"deployment", {Scope::kTarget, Scope::kPool}},
      {"key", {Scope::kCredential, Scope::kPool}},
      {"user", {Scope::kCredential, Scope::kPool}},
      {"account", {Scope::kCredential, Scope::kPool}},
      {"account:free", {Scope::kPool}},
      {"project", {Scope::kPool}},
      {"provider", {Scope::kProvider, Scope::kTarget}},
      {"endpoint", {Scope::kProvider, Scope::kTarget}},
  };
  const auto found = kFits.find(wanted);
  return found == kFits.end() || found->second.contains(got);
}

bool Near(const json& wanted, double got, bool known) {
  if (wanted.is_null()) return !known;
  return known && std::abs(wanted.get<double>() - got) <= 0.01 * std::max(1e-9, std::abs(wanted.get<double>()));
}

std::string UnitWord(const Reading& reading) {
  switch (reading.unit) {
    case Unit::kRequests:
      return "requests";
    case Unit::kTokens:
      return reading.project_scope ? "project_tokens" : "tokens";
    case Unit::kInputTokens:
      return "input_tokens";
    case Unit::kOutputTokens:
      return "output_tokens";
    case Unit::kConcurrency:
      return "concurrency";
    case Unit::kCredits:
      return "credits";
  }
  return "?";
}

bool SameReading(const json& wanted, const Reading& got) {
  std::string unit = wanted["unit"];
  if (unit == "prompt_tokens") unit = "input_tokens";
  if (unit == "generated_tokens") unit = "output_tokens";
  return unit == UnitWord(got) &&
         Near(wanted["window_s"], absl::ToDoubleSeconds(got.window), got.window != absl::ZeroDuration()) &&
         Near(wanted["limit"], static_cast<double>(got.limit), got.limit >= 0) &&
         Near(wanted["remaining"], static_cast<double>(got.remaining), got.remaining >= 0) &&
         Near(wanted["reset_after_s"], absl::ToDoubleSeconds(got.reset_after),
              got.reset_after != absl::InfiniteDuration());
}

std::string Describe(const ReadingList& readings, const Verdict& verdict) {
  std::string text =
      absl::StrCat("class ", WordOf(verdict.error_class), ", scope ", static_cast<int>(verdict.scope), ", wait ",
                   absl::FormatDuration(verdict.retry_after), verdict.authoritative ? " (stated)" : "");
  for (const Reading& r : readings) {
    absl::StrAppend(&text, "\n  ", UnitWord(r), " window ", absl::FormatDuration(r.window), " limit ", r.limit,
                    " remaining ", r.remaining, " reset ", absl::FormatDuration(r.reset_after));
  }
  return text;
}

// A stream's or a line-wise body's payloads, with whether their event is named "error".
std::vector<std::pair<std::string, bool>> Payloads(const std::string& body) {
  std::vector<std::pair<std::string, bool>> payloads;
  bool named_error = false;
  size_t at = 0;
  while (at < body.size()) {
    const size_t end = std::min(body.find('\n', at), body.size());
    const std::string line = body.substr(at, end - at);
    at = end + 1;
    if (line.empty()) named_error = false;
    if (line == "event: error") named_error = true;
    if (line.starts_with("data: ")) payloads.emplace_back(line.substr(6), named_error);
    if (line.starts_with("{")) payloads.emplace_back(line, false);
  }
  return payloads;
}

void CheckVector(const json& vector, const ProviderRules& rules) {
  const absl::Time now = *ParseRfc3339(vector["now"].get<std::string>());
  std::vector<std::pair<std::string, std::string>> headers;
  for (const auto& [name, value] : vector["headers"].items()) headers.emplace_back(name, value.get<std::string>());
  std::vector<HeaderField> fields;
  for (const auto& [name, value] : headers) fields.push_back({name, value});
  const json& body_json = vector["body"];
  const std::string body = body_json.is_null()     ? ""
                           : body_json.is_string() ? body_json.get<std::string>()
                                                   : body_json.dump();
  const int status = vector["status"];

  ReadingList readings;
  Verdict verdict;
  if (status == 200) {
    rules.ReadHeaders(fields, now, readings);
    if (body_json.is_string()) {
      for (const auto& [payload, named_error] : Payloads(body)) {
        if (verdict.error_class == ErrorClass::kOk) verdict = rules.ClassifyEvent(payload, named_error, now, readings);
      }
    } else {
      verdict = rules.ClassifyEvent(body, false, now, readings);
    }
  } else {
    verdict = rules.Classify(status, fields, body, now, readings);
  }

  const json& meaning = vector["meaning"];
  const std::string described = Describe(readings, verdict);
  EXPECT_TRUE(SameClass(meaning["class"], verdict.error_class)) << described;
  EXPECT_TRUE(Near(meaning["cooldown_s"], absl::ToDoubleSeconds(verdict.retry_after), verdict.authoritative))
      << described;
  if (verdict.error_class != ErrorClass::kOk && meaning.contains("scope")) {
    EXPECT_TRUE(ScopeFits(meaning["scope"], verdict.scope)) << described;
  }
  size_t wanted_count = 0;
  for (const json& wanted : meaning["limits"]) {
    if (wanted["unit"] == "neurons") continue;  // no unit of ours
    ++wanted_count;
    EXPECT_TRUE(
        std::any_of(readings.begin(), readings.end(), [&](const Reading& got) { return SameReading(wanted, got); }))
        << "no reading is " << wanted.dump() << "\n"
        << described;
  }
  EXPECT_EQ(readings.size(), wanted_count) << described;
}

TEST(Vectors, EveryAnswerOfAKnownProviderIsReadAsItIsMeant) {
  const absl::StatusOr<Catalogue> catalogue = Catalogue::Builtin();
  ASSERT_TRUE(catalogue.ok()) << catalogue.status();
  std::ifstream file(CHAIN429_TEST_DATA "/ratelimit-headers.jsonl");
  std::map<std::string, int> seen;
  for (std::string line; std::getline(file, line);) {
    const json vector = json::parse(line);
    std::string provider = vector["provider"];
    if (const auto other = kKindOf.find(provider); other != kKindOf.end()) provider = other->second;
    const CatalogueEntry* entry = catalogue->Find(provider);
    if (entry == nullptr) continue;
    SCOPED_TRACE(vector["id"].get<std::string>());
    const auto rules = ProviderRules::Compile(entry->json);
    ASSERT_TRUE(rules.ok()) << rules.status();
    CheckVector(vector, **rules);
    ++seen[provider];
  }
  for (const std::string kind : {"openai", "groq", "cerebras", "openrouter"}) EXPECT_GT(seen[kind], 2) << kind;
}

}  // namespace
}  // namespace chain429
