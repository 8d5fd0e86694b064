#include "common/config/limit_schema.h"

#include <array>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/text.h"
#include "common/config/secrecy.h"
#include "common/config/suggest.h"

namespace chain429 {
namespace {

// Sums of a day's reservations stay far within 64 bits.
constexpr int64_t kHighestLimit = 1'000'000'000'000;

constexpr std::array<std::string_view, 3> kWindowWords = {"sliding", "fixed", "bucket"};
constexpr std::array<WindowKind, 3> kWindowKinds = {WindowKind::kSliding, WindowKind::kFixed, WindowKind::kBucket};

// "07:30" after midnight.
std::optional<absl::Duration> ParseTimeOfDay(std::string_view text) {
  const auto digit = [&](size_t i) { return text[i] >= '0' && text[i] <= '9' ? text[i] - '0' : 100; };
  if (text.size() != 5 || text[2] != ':') return std::nullopt;
  const int hours = digit(0) * 10 + digit(1);
  const int minutes = digit(3) * 10 + digit(4);
  if (hours > 23 || minutes > 59) return std::nullopt;
  return absl::Hours(hours) + absl::Minutes(minutes);
}

void ReadFixed(ConfigFields& fields, WindowSpec& window, const ZoneLookup& zones) {
  const ValueReader& read = fields.read();
  const bool fixed = window.kind == WindowKind::kFixed;
  if (const ConfigMember* anchor = fields.Take("anchor"); anchor != nullptr) {
    const ConfigPlace place = fields.place().Key(*anchor);
    if (!fixed) {
      read.Error(anchor->key_at, place, "only a fixed window has an anchor");
    } else if (const auto text = read.String(anchor->value, place); text) {
      const std::optional<absl::Duration> time = ParseTimeOfDay(*text);
      if (!time) read.Error(anchor->value.at, place, "not a time of day: write it as \"00:00\"");
      window.anchor = time.value_or(absl::ZeroDuration());
    }
  }
  if (const ConfigMember* zone = fields.Take("zone"); zone != nullptr) {
    const ConfigPlace place = fields.place().Key(*zone);
    if (!fixed) {
      read.Error(zone->key_at, place, "only a fixed window has a zone");
    } else if (const auto text = read.String(zone->value, place);
               text && CheckZone(*text, zone->value.at, place, zones, read)) {
      window.zone = *text;
    }
  }
}

std::optional<WindowSpec> ReadWindow(const ConfigMember& member, const ConfigPlace& place, absl::Duration length,
                                     const ZoneLookup& zones, const ValueReader& read) {
  ConfigFields fields(member.value, place, read);
  if (!fields.valid()) return std::nullopt;
  WindowSpec window;
  window.length = length;
  const ConfigMember* kind = fields.Require("kind");
  const std::optional<size_t> word =
      kind == nullptr ? std::nullopt : read.Choice(kind->value, place.Key(*kind), kWindowWords);
  // An unreadable kind is reported already; taking it for fixed spares complaints about its anchor.
  window.kind = word ? kWindowKinds[*word] : WindowKind::kFixed;
  ReadFixed(fields, window, zones);
  fields.Finish();
  return window;
}

}  // namespace

const std::array<LimitSlotInfo, kLimitSlotCount>& LimitSlots() {
  static const std::array<LimitSlotInfo, kLimitSlotCount> kKeys = {{
      {LimitSlot::kRpm, "rpm", Unit::kRequests, absl::Minutes(1)},
      {LimitSlot::kRpd, "rpd", Unit::kRequests, absl::Hours(24)},
      {LimitSlot::kTpm, "tpm", Unit::kTokens, absl::Minutes(1)},
      {LimitSlot::kTpd, "tpd", Unit::kTokens, absl::Hours(24)},
      {LimitSlot::kConcurrency, "concurrency", Unit::kConcurrency, absl::ZeroDuration()},
  }};
  return kKeys;
}

LimitAmounts ReadLimits(ConfigFields& parent) {
  LimitAmounts amounts;
  const ConfigMember* member = parent.Take("limits");
  if (member == nullptr) return amounts;
  // Limits are no secrets, even where they stand beside one.
  ConfigPlace place = parent.place().Key(*member);
  place.secret = false;
  ConfigFields fields(member->value, place, parent.read());
  for (const LimitSlotInfo& info : LimitSlots()) {
    amounts[static_cast<size_t>(info.key)] = fields.Integer(info.name, 1, kHighestLimit);
  }
  fields.Finish();
  return amounts;
}

WindowChoices ReadWindows(ConfigFields& parent, const ZoneLookup& zones) {
  WindowChoices windows;
  const ConfigMember* member = parent.Take("windows");
  if (member == nullptr) return windows;
  ConfigFields fields(member->value, parent.place().Key(*member), parent.read());
  for (const LimitSlotInfo& info : LimitSlots()) {
    const ConfigMember* window = fields.Take(info.name);
    if (window == nullptr) continue;
    if (info.key == LimitSlot::kConcurrency) {
      parent.read().Error(window->key_at, fields.place().Key(*window), "concurrency has no window");
      continue;
    }
    windows[static_cast<size_t>(info.key)] =
        ReadWindow(*window, fields.place().Key(*window), info.length, zones, parent.read());
  }
  fields.Finish();
  return windows;
}

bool CheckZone(std::string_view zone, Position at, const ConfigPlace& place, const ZoneLookup& zones,
               const ValueReader& read) {
  switch (zones(zone)) {
    case ZoneAnswer::kKnown:
      return true;
    case ZoneAnswer::kNoData:
      read.Error(at, place,
                 "no time zone data is installed on this machine (package tzdata), so that windows in a zone other "
                 "than UTC cannot be used");
      return false;
    case ZoneAnswer::kUnknown:
      break;
  }
  static const std::vector<std::string> kZones = {
      "UTC",           "America/Los_Angeles", "America/New_York", "America/Chicago", "Europe/London",
      "Europe/Berlin", "Europe/Paris",        "Asia/Tokyo",       "Asia/Shanghai",   "Asia/Kolkata"};
  read.Error(
      at, place,
      absl::StrCat(QuoteUnlessKey(zone), " is not a known time zone: write an IANA name such as America/Los_Angeles"),
      Suggest(zone, kZones));
  return false;
}

}  // namespace chain429
