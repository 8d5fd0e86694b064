#include "common/provider/header_rules.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/text.h"
#include "common/provider/durations.h"
#include "common/provider/ietf_ratelimit.h"

namespace chain429 {
namespace {

constexpr size_t kShortestName = 8;
constexpr size_t kLongestName = 63;
constexpr uint64_t kLowerBits = 0x2020202020202020;

uint64_t Load8(const char* at) {
  uint64_t word = 0;
  std::memcpy(&word, at, sizeof(word));
  return word | kLowerBits;  // makes letters small; what it does to other bytes is the same on both sides
}

// Eight bytes of the middle and the last eight tell the names of one family apart, which share their beginning.
// REQUIRES: >= 8 bytes.
size_t Hash(std::string_view name) {
  const uint64_t middle = Load8(name.data() + (name.size() - 8) / 2);
  const uint64_t tail = Load8(name.data() + name.size() - 8);
  return static_cast<size_t>(((middle * 31 + tail + name.size()) * 0x9E3779B97F4A7C15) >> 56);
}

// Draft 07 put the policy behind the number: "100, 100;w=60".
void TakeLimit(std::string_view value, int64_t& limit, absl::Duration& window) {
  const size_t end = value.find_first_of(",;");
  if (const auto count = ParseCount(value.substr(0, end))) limit = *count;
  if (end == std::string_view::npos) return;
  const size_t w = value.find(";w=", end);
  if (w == std::string_view::npos) return;
  const std::string_view rest = value.substr(w + 3);
  if (const auto seconds = ParseSeconds(rest.substr(0, rest.find_first_of(",; ")))) window = *seconds;
}

}  // namespace

struct HeaderRules::Partial {
  int64_t limit;
  int64_t remaining;
  absl::Duration reset;
  absl::Duration window;
};

bool HeaderRules::Insert(const std::string& name, Part part, size_t reading) {
  if (name.empty()) return true;
  const std::string lower = LowerAscii(name);
  if (lower.size() < kShortestName || lower.size() > kLongestName || slots_.size() >= table_.size() / 2 ||
      Find(lower) != nullptr)
    return false;
  size_t at = Hash(lower);
  while (table_[at] != 0) at = (at + 1) % table_.size();
  slots_.push_back({lower, part, static_cast<uint8_t>(reading)});
  table_[at] = static_cast<uint8_t>(slots_.size());
  lengths_ |= uint64_t{1} << lower.size();
  return true;
}

absl::Status HeaderRules::Add(const HeaderReading& reading) {
  if (bases_.size() >= kMaxReadings)
    return absl::InvalidArgumentError(absl::StrCat("more than ", kMaxReadings, " readings"));
  Reading base;
  base.unit = reading.unit;
  base.window = reading.window;
  base.project_scope = reading.project_scope;
  const size_t index = bases_.size();
  bases_.push_back(base);
  const std::pair<const std::string*, Part> names[] = {{&reading.limit, Part::kLimit},
                                                       {&reading.remaining, Part::kRemaining},
                                                       {&reading.reset, Part::kReset},
                                                       {&reading.window_seconds, Part::kWindow}};
  for (const auto& [name, part] : names) {
    if (!Insert(*name, part, index)) {
      return absl::InvalidArgumentError(absl::StrCat("header \"", *name, "\" is used twice, or has not ", kShortestName,
                                                     " to ", kLongestName, " characters"));
    }
  }
  return absl::OkStatus();
}

void HeaderRules::AddIetf() {
  Insert("ratelimit", Part::kIetfState, 0);
  Insert("ratelimit-policy", Part::kIetfPolicy, 0);
}

const HeaderRules::Slot* HeaderRules::Find(std::string_view name) const {
  if (name.size() < kShortestName || name.size() > kLongestName || (lengths_ >> name.size() & 1) == 0) return nullptr;
  for (size_t at = Hash(name); table_[at] != 0; at = (at + 1) % table_.size()) {
    const Slot& slot = slots_[table_[at] - 1u];
    if (EqualsIgnoreCase(slot.name, name)) return &slot;
  }
  return nullptr;
}

void HeaderRules::Take(Part part, std::string_view value, absl::Time wall_now, Partial& partial) {
  switch (part) {
    case Part::kLimit:
      TakeLimit(value, partial.limit, partial.window);
      break;
    case Part::kRemaining:
      if (const auto count = ParseCount(value)) partial.remaining = *count;
      break;
    case Part::kReset:
      if (const auto reset = ParseReset(value, wall_now)) partial.reset = *reset;
      break;
    case Part::kWindow:
      if (const auto window = ParseSeconds(value)) partial.window = *window;
      break;
    case Part::kIetfState:
    case Part::kIetfPolicy:
      break;
  }
}

void HeaderRules::Read(HeaderView headers, absl::Time wall_now, std::vector<Reading>& out,
                       absl::Duration* lone_reset) const {
  if (lone_reset != nullptr) *lone_reset = absl::InfiniteDuration();
  std::array<Partial, kMaxReadings> partials;
  uint32_t seen = 0;
  std::string_view ietf_state;
  std::string_view ietf_policy;
  for (const HeaderField& header : headers) {
    const Slot* slot = Find(header.name);
    if (slot == nullptr) continue;
    if (slot->part == Part::kIetfState) {
      ietf_state = header.value;
    } else if (slot->part == Part::kIetfPolicy) {
      ietf_policy = header.value;
    } else {
      Partial& partial = partials[slot->reading];
      if ((seen >> slot->reading & 1) == 0) partial = {-1, -1, absl::InfiniteDuration(), bases_[slot->reading].window};
      seen |= uint32_t{1} << slot->reading;
      Take(slot->part, header.value, wall_now, partial);
    }
  }
  for (size_t i = 0; i < bases_.size(); ++i) {
    if ((seen >> i & 1) == 0) continue;
    const Partial& partial = partials[i];
    if (partial.limit < 0 && partial.remaining < 0) {
      if (lone_reset != nullptr && partial.reset != absl::InfiniteDuration()) {
        *lone_reset = *lone_reset == absl::InfiniteDuration() ? partial.reset : std::max(*lone_reset, partial.reset);
      }
      continue;
    }
    Reading reading = bases_[i];
    reading.window = partial.window;
    reading.limit = partial.limit;
    reading.remaining = partial.remaining;
    reading.reset_after = partial.reset;
    out.push_back(reading);
  }
  if (!ietf_state.empty() || !ietf_policy.empty()) ReadIetfRateLimit(ietf_state, ietf_policy, out);
}

}  // namespace chain429
