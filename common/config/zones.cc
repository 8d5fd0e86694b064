#include "common/config/zones.h"

#include <algorithm>
#include <string>

#include "absl/time/time.h"
#include "common/base/text.h"

namespace chain429 {
namespace {

// Abseil would also take file paths and names that mean something else on each machine ("localtime").
bool IsZoneName(std::string_view zone) {
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  return !zone.empty() && zone.size() <= 64 && is_letter(zone.front()) && zone != "localtime" &&
         std::all_of(zone.begin(), zone.end(), [&](char c) {
           return is_letter(c) || (c >= '0' && c <= '9') || c == '_' || c == '+' || c == '-' || c == '/';
         });
}

bool Loads(std::string_view zone) {
  absl::TimeZone loaded;
  return absl::LoadTimeZone(ToAbsl(zone), &loaded);
}

}  // namespace

ZoneAnswer LookUpZone(std::string_view zone) {
  if (zone == "UTC") return ZoneAnswer::kKnown;
  if (!IsZoneName(zone)) return ZoneAnswer::kUnknown;
  if (Loads(zone)) return ZoneAnswer::kKnown;
  return Loads("America/Los_Angeles") || Loads("Europe/London") ? ZoneAnswer::kUnknown : ZoneAnswer::kNoData;
}

}  // namespace chain429
