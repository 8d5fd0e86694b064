#pragma once

#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>
#include "absl/time/time.h"

namespace chain429 {

// Reads one object of a catalogue entry key by key, and notes every fault with its path ("groq.errors[2].class")
// instead of stopping at the first. `Done` notes the keys that nobody asked for. The object has to outlive this.
class EntryFields {
 public:
  EntryFields(const nlohmann::json& value, std::string path, std::vector<std::string>& faults);

  bool Has(std::string_view key);
  // Each: the fallback where the key is missing, and where its value is no such thing (which is a fault).
  std::string String(std::string_view key, std::string_view fallback = {});
  bool Bool(std::string_view key, bool fallback);
  int64_t Count(std::string_view key, int64_t fallback);  // an integer >= 0
  int64_t Credits(std::string_view key, int64_t fallback);  // 0.05, in millionths
  absl::Duration Duration(std::string_view key, absl::Duration fallback);
  // A string, a number or a list of these, as strings.
  std::vector<std::string> Strings(std::string_view key);
  // The index of the string in `words`, or `fallback`.
  size_t Word(std::string_view key, std::span<const std::string_view> words, size_t fallback);
  // Null where missing or of another type.
  const nlohmann::json* Object(std::string_view key);
  const nlohmann::json* List(std::string_view key);
  const nlohmann::json* Any(std::string_view key);

  std::string PathOf(std::string_view key) const;
  void Fault(std::string_view key, std::string_view what);
  void Done();

 private:
  const nlohmann::json& value_;
  const std::string path_;
  std::vector<std::string>& faults_;
  std::set<std::string, std::less<>> known_;
};

// A string or a number of a catalogue entry as text; false for everything else.
bool ScalarToText(const nlohmann::json& value, std::string& out);

}  // namespace chain429
