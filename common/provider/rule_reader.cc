#include "common/provider/rule_reader.h"

#include <array>
#include <optional>

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "common/base/text.h"
#include "common/provider/durations.h"
#include "common/provider/entry_fields.h"
#include "common/provider/limit_keys.h"

namespace chain429 {
namespace {

using Faults = std::vector<std::string>;

constexpr std::array<std::string_view, 5> kUnits = {"requests", "tokens", "input_tokens", "output_tokens",
                                                    "concurrency"};
constexpr std::array<std::string_view, 5> kScopes = {"request", "target", "pool", "credential", "provider"};
constexpr std::array<std::string_view, 3> kStatedWaits = {"use", "body_first", "ignore"};
constexpr std::array<std::string_view, 8> kClasses = {"rate_limited",      "quota_exhausted", "auth",
                                                      "model_unavailable", "overloaded",      "bad_request",
                                                      "refused_here",      "context_too_long"};
constexpr std::array<ErrorClass, 8> kClassValues = {
    ErrorClass::kRateLimited, ErrorClass::kQuotaExhausted, ErrorClass::kAuth,        ErrorClass::kModelUnavailable,
    ErrorClass::kOverloaded,  ErrorClass::kBadRequest,     ErrorClass::kRefusedHere, ErrorClass::kContextTooLong};

Unit ReadUnit(EntryFields& fields) { return static_cast<Unit>(fields.Word("unit", kUnits, 0)); }

AuthStyle ReadAuth(EntryFields& entry, Faults& faults) {
  AuthStyle auth;
  const nlohmann::json* value = entry.Any("auth");
  if (value == nullptr) return auth;
  if (value->is_object()) {
    EntryFields fields(*value, entry.PathOf("auth"), faults);
    auth.kind = AuthStyle::Kind::kHeader;
    auth.header = LowerAscii(fields.String("header"));
    if (auth.header.empty()) fields.Fault("header", "the header's name is wanted");
    fields.Done();
    return auth;
  }
  constexpr std::array<std::string_view, 2> kWords = {"bearer", "none"};
  auth.kind = entry.Word("auth", kWords, 0) == 0 ? AuthStyle::Kind::kBearer : AuthStyle::Kind::kNone;
  return auth;
}

void ReadHeaderRules(const nlohmann::json& value, const std::string& path, Faults& faults, RuleSet& rules) {
  EntryFields fields(value, path, faults);
  if (const nlohmann::json* readings = fields.List("readings")) {
    for (size_t i = 0; i < readings->size(); ++i) {
      EntryFields item((*readings)[i], absl::StrCat(fields.PathOf("readings"), "[", i, "]"), faults);
      HeaderReading reading;
      reading.unit = ReadUnit(item);
      reading.window = item.Duration("window", absl::ZeroDuration());
      reading.project_scope = item.Bool("project", false);
      reading.limit = item.String("limit");
      reading.remaining = item.String("remaining");
      reading.reset = item.String("reset");
      reading.window_seconds = item.String("window_seconds");
      item.Done();
      if (const absl::Status status = rules.headers.Add(reading); !status.ok())
        fields.Fault(absl::StrCat("readings[", i, "]"), FromAbsl(status.message()));
    }
  }
  if (fields.Bool("ietf", false)) rules.headers.AddIetf();
  fields.Done();
}

std::optional<FieldPath> ReadPath(EntryFields& fields, std::string_view key, const std::string& text) {
  absl::StatusOr<FieldPath> path = FieldPath::Parse(text);
  if (path.ok()) return *std::move(path);
  fields.Fault(key, FromAbsl(path.status().message()));
  return std::nullopt;
}

std::vector<FieldPath> ReadPaths(EntryFields& fields, std::string_view key) {
  std::vector<FieldPath> paths;
  for (const std::string& text : fields.Strings(key)) {
    if (std::optional<FieldPath> path = ReadPath(fields, key, text)) paths.push_back(*std::move(path));
  }
  return paths;
}

BodyShape ReadBodyShape(const nlohmann::json& value, const std::string& path, Faults& faults) {
  EntryFields fields(value, path, faults);
  BodyShape shape;
  shape.error_at = ReadPaths(fields, "error_at");
  shape.text_at = ReadPaths(fields, "text_at");
  shape.wait_at = ReadPaths(fields, "wait_at");
  shape.headers_at = ReadPaths(fields, "headers_at");
  fields.Done();
  return shape;
}

// "429" or "5xx".
std::optional<std::pair<int, int>> StatusRange(std::string_view text) {
  if (text.size() != 3) return std::nullopt;
  const bool whole_class = text.substr(1) == "xx";
  const std::optional<int64_t> number = ParseCount(whole_class ? text.substr(0, 1) : text);
  if (!number) return std::nullopt;
  const int low = static_cast<int>(whole_class ? *number * 100 : *number);
  if (low < 100 || low > 599) return std::nullopt;
  return std::pair(low, whole_class ? low + 99 : low);
}

ErrorCondition ReadCondition(const nlohmann::json& value, const std::string& path, Faults& faults) {
  EntryFields fields(value, path, faults);
  ErrorCondition when;
  for (const std::string& text : fields.Strings("status")) {
    if (const auto range = StatusRange(text)) {
      when.statuses.push_back(*range);
    } else {
      fields.Fault("status", absl::StrCat("\"", text, "\" is no status such as 429 or 5xx"));
    }
  }
  when.codes = fields.Strings("code");
  when.types = fields.Strings("type");
  when.params = fields.Strings("param");
  for (const std::string& text : fields.Strings("text")) when.texts.push_back(absl::StrCat("*", text, "*"));
  if (const nlohmann::json* map = fields.Object("fields")) {
    EntryFields items(*map, fields.PathOf("fields"), faults);
    for (const auto& [key, unused] : map->items()) {
      if (std::optional<FieldPath> at = ReadPath(items, key, key))
        when.fields.push_back({*std::move(at), items.Strings(key)});
    }
  }
  if (const nlohmann::json* map = fields.Object("headers")) {
    EntryFields items(*map, fields.PathOf("headers"), faults);
    for (const auto& [key, unused] : map->items()) when.headers.push_back({key, items.Strings(key)});
  }
  fields.Done();
  return when;
}

std::optional<CalendarEdge> ReadEdge(const nlohmann::json& value, const std::string& path, Faults& faults) {
  EntryFields fields(value, path, faults);
  CalendarEdge edge;
  edge.month = fields.Bool("month", false);
  edge.every = fields.Duration("every", absl::Hours(24));
  if (edge.every <= absl::ZeroDuration() || edge.every > absl::Hours(24))
    fields.Fault("every", "more than nothing and at most 24h is wanted");
  if (fields.Has("anchor")) {
    const std::optional<absl::Duration> anchor = ParseAnchor(fields.String("anchor"));
    if (!anchor) fields.Fault("anchor", "a time of day such as \"00:00\" is wanted");
    edge.anchor = anchor.value_or(absl::ZeroDuration());
  }
  const std::string zone = fields.String("zone", "UTC");
  fields.Done();
  // Without time-zone data the rule has no edge, and its fallback holds: a wrong midnight would be worse than none.
  if (zone != "UTC" && !absl::LoadTimeZone(zone, &edge.zone)) return std::nullopt;
  return edge;
}

std::vector<RuleReading> ReadRuleReadings(const nlohmann::json& list, const std::string& path, Faults& faults) {
  std::vector<RuleReading> readings;
  for (size_t i = 0; i < list.size(); ++i) {
    EntryFields fields(list[i], absl::StrCat(path, "[", i, "]"), faults);
    RuleReading reading;
    reading.unit = ReadUnit(fields);
    reading.window = fields.Duration("window", absl::ZeroDuration());
    reading.limit = fields.Count("limit", -1);
    reading.remaining = fields.Count("remaining", -1);
    if (fields.Has("limit_at")) reading.limit_at = ReadPath(fields, "limit_at", fields.String("limit_at"));
    fields.Done();
    readings.push_back(std::move(reading));
  }
  return readings;
}

ErrorRule ReadErrorRule(const nlohmann::json& value, const std::string& path, Faults& faults) {
  EntryFields fields(value, path, faults);
  ErrorRule rule;
  if (const nlohmann::json* when = fields.Object("when")) {
    rule.when = ReadCondition(*when, fields.PathOf("when"), faults);
    if (when->empty()) fields.Fault("when", "a rule without conditions would hide all that follow");
  } else {
    fields.Fault("when", "is missing");
  }
  if (!fields.Has("class")) fields.Fault("class", "is missing");
  rule.error_class = kClassValues[fields.Word("class", kClasses, 4)];
  rule.scope = static_cast<Scope>(fields.Word("scope", kScopes, static_cast<size_t>(DefaultScope(rule.error_class))));
  rule.stated = static_cast<ErrorRule::StatedWait>(fields.Word("stated_wait", kStatedWaits, 0));
  if (const nlohmann::json* until = fields.Object("until"))
    rule.until = ReadEdge(*until, fields.PathOf("until"), faults);
  rule.fallback = fields.Duration("fallback_wait", absl::ZeroDuration());
  rule.dated = fields.Bool("dated", false);
  if (const nlohmann::json* readings = fields.List("readings"))
    rule.readings = ReadRuleReadings(*readings, fields.PathOf("readings"), faults);
  fields.Done();
  return rule;
}

}  // namespace

RuleSet ReadRules(const nlohmann::json& entry, const std::string& path, Faults& faults) {
  RuleSet rules;
  EntryFields fields(entry, path, faults);
  rules.auth = ReadAuth(fields, faults);
  if (const nlohmann::json* headers = fields.Object("headers"))
    ReadHeaderRules(*headers, fields.PathOf("headers"), faults, rules);
  if (const nlohmann::json* body = fields.Object("body"))
    rules.body = ReadBodyShape(*body, fields.PathOf("body"), faults);
  if (const nlohmann::json* errors = fields.List("errors")) {
    for (size_t i = 0; i < errors->size(); ++i) {
      rules.errors.push_back(ReadErrorRule((*errors)[i], absl::StrCat(fields.PathOf("errors"), "[", i, "]"), faults));
    }
  }
  return rules;
}

}  // namespace chain429
