#include "controlplane/store/pool_memory_json.h"

#include <cstdint>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace chain429 {
namespace {

using Json = nlohmann::json;

Json ToJson(const WindowSpec& window) {
  Json json = {{"kind", static_cast<int>(window.kind)},
               {"length_ns", absl::ToInt64Nanoseconds(window.length)},
               {"anchor_ns", absl::ToInt64Nanoseconds(window.anchor)},
               {"zone", window.zone}};
  if (window.burst > 0) json["burst"] = window.burst;
  return json;
}

// A whole number from `least` to `most`; anything else, or none: an exception, caught below. The library's own
// conversions take fractions and truth values too, and let large numbers wrap.
int64_t NumberAt(const Json& json, const char* key, int64_t least, int64_t most = INT64_MAX) {
  const Json& value = json.at(key);
  const bool whole =
      value.is_number_unsigned() ? value.get<uint64_t>() <= uint64_t{INT64_MAX} : value.is_number_integer();
  if (!whole) throw std::invalid_argument(std::string(key) + ": no whole number");
  const int64_t number = value.get<int64_t>();
  if (number < least || number > most) throw std::out_of_range(std::string(key) + ": out of range");
  return number;
}

absl::Time TimeAt(const Json& json, const char* key) { return absl::FromUnixNanos(NumberAt(json, key, INT64_MIN)); }

// A number of an enum whose last value is `last`.
template <typename Enum>
Enum EnumAt(const Json& json, const char* key, Enum last) {
  return static_cast<Enum>(NumberAt(json, key, 0, static_cast<int64_t>(last)));
}

const Json& ListAt(const Json& json, const char* key) {
  const Json& list = json.at(key);
  if (!list.is_array()) throw std::invalid_argument(std::string(key) + ": no list");
  return list;
}

WindowSpec WindowFrom(const Json& json) {
  WindowSpec window;
  window.kind = EnumAt(json, "kind", WindowKind::kBucket);
  window.length = absl::Nanoseconds(NumberAt(json, "length_ns", 1));
  window.anchor = absl::Nanoseconds(NumberAt(json, "anchor_ns", 0, absl::ToInt64Nanoseconds(absl::Hours(24)) - 1));
  window.zone = json.at("zone").get<std::string>();
  if (json.contains("burst")) window.burst = NumberAt(json, "burst", 1);
  return window;
}

}  // namespace

std::string PoolMemoryToJson(const PoolMemory& memory) {
  Json json = {{"key", memory.key},
               {"at_ns", absl::ToUnixNanos(memory.at)},
               {"closure", static_cast<int>(memory.closure)},
               {"closed_until_ns", absl::ToUnixNanos(memory.closed_until)},
               {"authoritative", memory.authoritative},
               {"inferred", memory.inferred},
               {"learnt", Json::array()},
               {"marks", Json::array()}};
  for (const Limit& limit : memory.learnt) {
    json["learnt"].push_back({{"unit", static_cast<int>(limit.unit)},
                              {"amount", limit.amount},
                              {"window", ToJson(limit.window)},
                              {"provenance", static_cast<int>(limit.provenance)}});
  }
  for (const PoolMemory::Mark& mark : memory.marks) {
    json["marks"].push_back(
        {{"unit", static_cast<int>(mark.unit)}, {"window", ToJson(mark.window)}, {"used", mark.used}});
  }
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

absl::StatusOr<PoolMemory> PoolMemoryFromJson(std::string_view text) {
  try {
    const Json json = Json::parse(text);
    PoolMemory memory;
    memory.key = json.at("key").get<std::string>();
    memory.at = TimeAt(json, "at_ns");
    memory.closure = EnumAt(json, "closure", Closure::kOverloaded);
    memory.closed_until = TimeAt(json, "closed_until_ns");
    memory.authoritative = json.at("authoritative").get<bool>();
    memory.inferred = NumberAt(json, "inferred", 0);
    for (const Json& item : ListAt(json, "learnt")) {
      Limit limit;
      limit.unit = EnumAt(item, "unit", kLastUnit);
      limit.amount = NumberAt(item, "amount", 0);
      limit.window = WindowFrom(item.at("window"));
      limit.provenance = EnumAt(item, "provenance", Provenance::kInferred);
      memory.learnt.push_back(limit);
    }
    for (const Json& item : ListAt(json, "marks")) {
      memory.marks.push_back(
          {EnumAt(item, "unit", kLastUnit), WindowFrom(item.at("window")), NumberAt(item, "used", 0)});
    }
    return memory;
  } catch (const std::exception& error) {
    return absl::DataLossError(error.what());
  }
}

}  // namespace chain429
