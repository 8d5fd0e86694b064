#include "common/config/limit_schema.h"

#include <array>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/text.h"
#include "common/config/secrecy.h"
#include "common/config/suggest.h"
#include "common/provider/limit_keys.h"

namespace chain429 {
namespace {

// Sums of a day's reservations stay far within 64 bits.
constexpr int64_t kHighestLimit = 1'000'000'000'000;

constexpr std::array<std::string_view, 3> kWindowWords = {"sliding", "fixed", "bucket"};
constexpr std::array<WindowKind, 3> kWindowKinds = {WindowKind::kSliding, WindowKind::kFixed, WindowKind::kBucket};

std::optional<int64_t> ReadAmount(const ConfigNode& node, const ConfigPlace& place, Unit unit,
                                  const ValueReader& read) {
  return unit == Unit::kCredits ? read.Credits(node, place, /*zero_allowed=*/false)
                                : read.Integer(node, place, 1, kHighestLimit);
}

void ReadFixed(ConfigFields& fields, WindowSpec& window, const ZoneLookup& zones) {
  const ValueReader& read = fields.read();
  const bool fixed = window.kind == WindowKind::kFixed;
  if (const ConfigMember* anchor = fields.Take("anchor"); anchor != nullptr) {
    const ConfigPlace place = fields.place().Key(*anchor);
    if (!fixed) {
      read.Error(anchor->key_at, place, "only a fixed window has an anchor");
    } else if (const auto text = read.String(anchor->value, place); text) {
      const std::optional<absl::Duration> time = ParseAnchor(*text);
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

void ReadBurst(ConfigFields& fields, WindowSpec& window, Unit unit) {
  const ConfigMember* burst = fields.Take("burst");
  if (burst == nullptr) return;
  const ConfigPlace place = fields.place().Key(*burst);
  if (window.kind != WindowKind::kBucket) {
    fields.read().Error(burst->key_at, place, "only a bucket has a burst");
  } else {
    window.burst = ReadAmount(burst->value, place, unit, fields.read()).value_or(0);
  }
}

std::optional<WindowSpec> ReadWindow(const ConfigMember& member, const ConfigPlace& place, const LimitKey& key,
                                     const ZoneLookup& zones, const ValueReader& read) {
  ConfigFields fields(member.value, place, read);
  if (!fields.valid()) return std::nullopt;
  WindowSpec window;
  window.length = key.window;
  const ConfigMember* kind = fields.Require("kind");
  const std::optional<size_t> word =
      kind == nullptr ? std::nullopt : read.Choice(kind->value, place.Key(*kind), kWindowWords);
  if (!word) {
    // Reported already: what fits one kind or another is no fault beside it.
    for (const std::string_view known : {"anchor", "zone", "burst"}) fields.Take(known);
    fields.Finish();
    return std::nullopt;
  }
  window.kind = kWindowKinds[*word];
  ReadFixed(fields, window, zones);
  ReadBurst(fields, window, key.unit);
  fields.Finish();
  return window;
}

}  // namespace

LimitAmounts ReadLimits(ConfigFields& parent) {
  LimitAmounts amounts;
  const ConfigMember* member = parent.Take("limits");
  if (member == nullptr) return amounts;
  // Limits are no secrets, even where they stand beside one.
  ConfigPlace place = parent.place().Key(*member);
  place.secret = false;
  ConfigFields fields(member->value, place, parent.read());
  for (size_t i = 0; i < kLimitKeys.size(); ++i) {
    const ConfigMember* amount = fields.TakeValue(kLimitKeys[i].name);
    if (amount == nullptr) continue;
    amounts[i] = ReadAmount(amount->value, fields.place().Key(*amount), kLimitKeys[i].unit, parent.read());
  }
  fields.Finish();
  return amounts;
}

std::optional<CreditRates> ReadRates(ConfigFields& parent) {
  const ConfigMember* member = parent.Take("credits");
  if (member == nullptr) return std::nullopt;
  ConfigFields fields(member->value, parent.place().Key(*member), parent.read());
  if (!fields.valid()) return std::nullopt;
  const std::optional<int64_t> request = fields.Credits("request", /*zero_allowed=*/true);
  const std::optional<int64_t> input = fields.Credits("input_per_mtok", /*zero_allowed=*/true);
  const std::optional<int64_t> output = fields.Credits("output_per_mtok", /*zero_allowed=*/true);
  if (member->value.members.empty()) {
    parent.read().Error(member->value.at, fields.place(),
                        "must say at least one of request, input_per_mtok and output_per_mtok");
  }
  fields.Finish();
  return CreditRates{request.value_or(0), input.value_or(0), output.value_or(0)};
}

WindowChoices ReadWindows(ConfigFields& parent, const ZoneLookup& zones) {
  WindowChoices windows;
  const ConfigMember* member = parent.Take("windows");
  if (member == nullptr) return windows;
  ConfigFields fields(member->value, parent.place().Key(*member), parent.read());
  for (size_t i = 0; i < kLimitKeys.size(); ++i) {
    const ConfigMember* window = fields.Take(kLimitKeys[i].name);
    if (window == nullptr) continue;
    if (kLimitKeys[i].unit == Unit::kConcurrency) {
      parent.read().Error(window->key_at, fields.place().Key(*window), "concurrency has no window");
      continue;
    }
    windows[i] = ReadWindow(*window, fields.place().Key(*window), kLimitKeys[i], zones, parent.read());
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
