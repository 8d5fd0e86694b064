#include "controlplane/store/pool_memory_json.h"

#include <nlohmann/json.hpp>

namespace chain429 {
namespace {

using Json = nlohmann::json;

Json ToJson(const WindowSpec& window) {
  return {{"kind", static_cast<int>(window.kind)},
          {"length_ns", absl::ToInt64Nanoseconds(window.length)},
          {"anchor_ns", absl::ToInt64Nanoseconds(window.anchor)},
          {"zone", window.zone}};
}

// A number of an enum whose last value is `last`; absent or out of range: an exception, caught below.
template <typename Enum>
Enum EnumAt(const Json& json, const char* key, Enum last) {
  const int value = json.at(key).get<int>();
  if (value < 0 || value > static_cast<int>(last)) throw std::out_of_range(key);
  return static_cast<Enum>(value);
}

WindowSpec WindowFrom(const Json& json) {
  WindowSpec window;
  window.kind = EnumAt(json, "kind", WindowKind::kBucket);
  window.length = absl::Nanoseconds(json.at("length_ns").get<int64_t>());
  window.anchor = absl::Nanoseconds(json.at("anchor_ns").get<int64_t>());
  window.zone = json.at("zone").get<std::string>();
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
    json["marks"].push_back({{"unit", static_cast<int>(mark.unit)}, {"window", ToJson(mark.window)}, {"used", mark.used}});
  }
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

absl::StatusOr<PoolMemory> PoolMemoryFromJson(std::string_view text) {
  try {
    const Json json = Json::parse(text);
    PoolMemory memory;
    memory.key = json.at("key").get<std::string>();
    memory.at = absl::FromUnixNanos(json.at("at_ns").get<int64_t>());
    memory.closure = EnumAt(json, "closure", Closure::kOverloaded);
    memory.closed_until = absl::FromUnixNanos(json.at("closed_until_ns").get<int64_t>());
    memory.authoritative = json.at("authoritative").get<bool>();
    memory.inferred = json.at("inferred").get<int64_t>();
    for (const Json& item : json.at("learnt")) {
      Limit limit;
      limit.unit = EnumAt(item, "unit", Unit::kConcurrency);
      limit.amount = item.at("amount").get<int64_t>();
      limit.window = WindowFrom(item.at("window"));
      limit.provenance = EnumAt(item, "provenance", Provenance::kInferred);
      memory.learnt.push_back(limit);
    }
    for (const Json& item : json.at("marks")) {
      memory.marks.push_back({EnumAt(item, "unit", Unit::kConcurrency), WindowFrom(item.at("window")), item.at("used").get<int64_t>()});
    }
    return memory;
  } catch (const std::exception& error) {
    return absl::DataLossError(error.what());
  }
}

}  // namespace chain429
