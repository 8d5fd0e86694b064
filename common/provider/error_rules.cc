#include "common/provider/error_rules.h"

#include <algorithm>

#include "common/base/text.h"
#include "common/provider/durations.h"
#include "common/provider/glob.h"

namespace chain429 {
namespace {

bool MatchesAny(const std::vector<std::string>& patterns, std::string_view text) {
  return std::any_of(patterns.begin(), patterns.end(),
                     [&](const std::string& pattern) { return GlobMatch(pattern, text); });
}

// An empty list asks nothing; otherwise the body's field has to be there and fit.
bool FieldFits(const std::vector<std::string>& patterns, const ErrorBody& body, std::string_view name) {
  if (patterns.empty()) return true;
  const std::string value = body.Field(name);
  return !value.empty() && MatchesAny(patterns, value);
}

}  // namespace

bool ErrorCondition::Holds(int status, HeaderView answer, const ErrorBody& body) const {
  if (!statuses.empty() && std::none_of(statuses.begin(), statuses.end(), [&](const std::pair<int, int>& range) {
        return range.first <= status && status <= range.second;
      })) {
    return false;
  }
  for (const Header& wanted : headers) {
    const std::optional<std::string_view> value = FindHeader(answer, wanted.name);
    if (!value || !MatchesAny(wanted.patterns, *value)) return false;
  }
  if (!FieldFits(codes, body, "code") || !FieldFits(types, body, "type") || !FieldFits(params, body, "param"))
    return false;
  if (!texts.empty() && !MatchesAny(texts, body.text())) return false;
  return std::all_of(fields.begin(), fields.end(), [&](const Field& field) {
    return body.AnyAt(field.path, [&](std::string_view value) { return MatchesAny(field.patterns, value); });
  });
}

absl::Duration CalendarEdge::Until(absl::Time wall_now) const {
  return month ? UntilNextMonth(wall_now, zone) : UntilWindowEdge(wall_now, every, anchor, zone);
}

Scope DefaultScope(ErrorClass error_class) {
  switch (error_class) {
    case ErrorClass::kOk:
    case ErrorClass::kBadRequest:
    case ErrorClass::kRefusedHere:
    case ErrorClass::kContextTooLong:
      return Scope::kRequest;
    case ErrorClass::kRateLimited:
    case ErrorClass::kQuotaExhausted:
      return Scope::kPool;
    case ErrorClass::kAuth:
      return Scope::kCredential;
    case ErrorClass::kModelUnavailable:
    case ErrorClass::kOverloaded:
      return Scope::kTarget;
  }
  return Scope::kRequest;
}

ErrorClass ClassOfStatus(int status, const ErrorBody& body) {
  switch (status) {
    case 401:
    case 402:
    case 403:
      return ErrorClass::kAuth;
    case 404:
      return GlobMatch("*model*", body.text()) || GlobMatch("*model*", body.Field("code"))
                 ? ErrorClass::kModelUnavailable
                 : ErrorClass::kBadRequest;
    case 410:
      return ErrorClass::kModelUnavailable;
    case 413:
      return ErrorClass::kContextTooLong;
    case 408:
    case 409:
    case 425:
      return ErrorClass::kOverloaded;
    case 429:
      return ErrorClass::kRateLimited;
    default:
      // What is neither a client's mistake nor a success (redirects are never followed) is the provider's trouble.
      return status >= 400 && status < 500 ? ErrorClass::kBadRequest : ErrorClass::kOverloaded;
  }
}

std::optional<std::string_view> FindHeader(HeaderView headers, std::string_view name) {
  for (const HeaderField& header : headers) {
    if (EqualsIgnoreCase(header.name, name)) return header.value;
  }
  return std::nullopt;
}

}  // namespace chain429
