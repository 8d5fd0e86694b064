#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "common/http/header_field.h"
#include "common/model/settlement.h"
#include "common/provider/error_body.h"

namespace chain429 {

// What an error rule asks of a failure. Lists: any one of them; the conditions: all. Patterns are those of GlobMatch.
struct ErrorCondition {
  std::vector<std::pair<int, int>> statuses;  // inclusive ranges; empty: any
  std::vector<std::string> codes;             // the error's `code`
  std::vector<std::string> types;             // its `type`
  std::vector<std::string> params;            // its `param`
  std::vector<std::string> texts;             // within the sentences
  struct Field {
    FieldPath path;
    std::vector<std::string> patterns;
  };
  std::vector<Field> fields;
  struct Header {
    std::string name;
    std::vector<std::string> patterns;
  };
  std::vector<Header> headers;

  bool Holds(int status, HeaderView answer, const ErrorBody& body) const;
};

// A limit that a failure of some sort speaks of. Its reset is the wait, where the provider or the rule gives one.
struct RuleReading {
  Unit unit = Unit::kRequests;
  absl::Duration window = absl::ZeroDuration();
  int64_t limit = -1;
  int64_t remaining = -1;
  std::optional<FieldPath> limit_at;  // the amount as the body states it
};

// The next edge of a calendar window.
struct CalendarEdge {
  bool month = false;  // the first of the next month; else windows of `every`
  absl::Duration every = absl::Hours(24);
  absl::Duration anchor = absl::ZeroDuration();
  absl::TimeZone zone = absl::UTCTimeZone();

  absl::Duration Until(absl::Time wall_now) const;
};

struct ErrorRule {
  enum class StatedWait : uint8_t { kUse, kBodyFirst, kIgnore };

  ErrorCondition when;
  ErrorClass error_class = ErrorClass::kOverloaded;
  Scope scope = Scope::kTarget;
  StatedWait stated = StatedWait::kUse;
  std::optional<CalendarEdge> until;                      // the wait where none is stated; authoritative
  absl::Duration fallback = absl::ZeroDuration();         // else this, as a guess
  bool dated = false;                                     // the stated wait may exceed a day
  std::vector<RuleReading> readings;
};

// How far a class reaches where nothing says so.
Scope DefaultScope(ErrorClass error_class);

// The verdict's class of a bare status.
ErrorClass ClassOfStatus(int status, const ErrorBody& body);

// The value of a header, whatever its case; nullopt: not there.
std::optional<std::string_view> FindHeader(HeaderView headers, std::string_view name);

}  // namespace chain429
