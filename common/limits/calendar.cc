#include "common/limits/calendar.h"

#include <algorithm>

#include "absl/time/civil_time.h"

namespace chain429 {
namespace {

absl::TimeZone ZoneOf(const WindowSpec& spec) {
  absl::TimeZone zone;
  if (!absl::LoadTimeZone(spec.zone, &zone)) return absl::UTCTimeZone();
  return zone;
}

// The instant at which the local clock shows `day` at `anchor`. A time that a clock change skips is the first one after
// it.
absl::Time EdgeOf(absl::CivilDay day, absl::Duration anchor, absl::TimeZone zone) {
  return absl::FromCivil(absl::CivilSecond(day) + absl::ToInt64Seconds(anchor), zone);
}

constexpr absl::CivilDay kFirstDay(1970, 1, 1);

int64_t FloorDivide(int64_t a, int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

}  // namespace

Period PeriodOf(const WindowSpec& spec, absl::Time t) {
  const absl::TimeZone zone = ZoneOf(spec);
  const absl::Duration day_length = absl::Hours(24);
  const absl::Duration anchor = spec.anchor % day_length;
  const int64_t days = std::max<int64_t>(1, absl::ToInt64Hours(spec.length) / 24);

  // The local day, from anchor to anchor, that holds t.
  absl::CivilDay day = absl::ToCivilDay(t, zone);
  if (t < EdgeOf(day, anchor, zone)) --day;
  if (spec.length == kMonth) {
    const absl::CivilMonth month(day);
    return {EdgeOf(absl::CivilDay(month), anchor, zone), EdgeOf(absl::CivilDay(month + 1), anchor, zone)};
  }
  if (spec.length >= day_length) {
    const absl::CivilDay first = kFirstDay + FloorDivide(day - kFirstDay, days) * days;
    return {EdgeOf(first, anchor, zone), EdgeOf(first + days, anchor, zone)};
  }
  const absl::Time start = EdgeOf(day, anchor, zone);
  const absl::Time next = EdgeOf(day + 1, anchor, zone);
  absl::Duration rest;
  const int64_t index = absl::IDivDuration(t - start, spec.length, &rest);
  const absl::Time from = start + index * spec.length;
  return {from, std::min(from + spec.length, next)};
}

}  // namespace chain429
