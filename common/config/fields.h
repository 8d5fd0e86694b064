#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "common/config/document.h"
#include "common/config/problem.h"

namespace chain429 {

// Where a value of the schema stands. `at` is where its absence, or that of something inside, is reported: its key's
// place.
struct ConfigPlace {
  std::string path;
  Position at;
  bool secret = false;  // values in here are never repeated in a message

  ConfigPlace Key(const ConfigMember& member) const { return {PathOfKey(path, member.key), member.key_at, secret}; }
  ConfigPlace Index(size_t index, const ConfigNode& item) const { return {PathOfIndex(path, index), item.at, secret}; }
};

// Checks of single values. Each reports what is wrong at the value's own place and then returns nothing.
class ValueReader {
 public:
  explicit ValueReader(ConfigProblems& problems) : problems_(problems) {}

  std::optional<std::string> String(const ConfigNode& node, const ConfigPlace& place) const;
  std::optional<std::string> Name(const ConfigNode& node, const ConfigPlace& place) const;  // [a-z0-9][a-z0-9._-]{0,62}
  std::optional<bool> Bool(const ConfigNode& node, const ConfigPlace& place) const;
  std::optional<int64_t> Integer(const ConfigNode& node, const ConfigPlace& place, int64_t least, int64_t most) const;
  // A number of credits such as 0.05, in millionths.
  std::optional<int64_t> Credits(const ConfigNode& node, const ConfigPlace& place, bool zero_allowed) const;
  std::optional<absl::Duration> Duration(const ConfigNode& node, const ConfigPlace& place, bool zero_allowed) const;
  // The index of the word among `words`.
  std::optional<size_t> Choice(const ConfigNode& node, const ConfigPlace& place,
                               std::span<const std::string_view> words) const;
  bool IsMapping(const ConfigNode& node, const ConfigPlace& place) const;
  bool IsSequence(const ConfigNode& node, const ConfigPlace& place) const;

  void Error(Position at, const ConfigPlace& place, std::string_view message, std::string_view suggestion = {}) const {
    problems_.Error(at, place.path, message, suggestion);
  }
  ConfigProblems& problems() const { return problems_; }

 private:
  void WrongType(const ConfigNode& node, const ConfigPlace& place, std::string_view expected) const;

  ConfigProblems& problems_;
};

// One mapping while its keys are read. A section without a value counts as absent, a value that is null does not.
// Finish reports the keys that nobody asked for.
class ConfigFields {
 public:
  // What is no mapping is reported, and then has no fields.
  ConfigFields(const ConfigNode& node, ConfigPlace place, const ValueReader& read);

  // The member under `key` if it has a value.
  const ConfigMember* Take(std::string_view key);
  // As Take, but a null is a value, of a type that nothing takes.
  const ConfigMember* TakeValue(std::string_view key);
  // As TakeValue, but reports the absence.
  const ConfigMember* Require(std::string_view key);
  // Reports `key` as not supported yet if it has a value; returns whether it had.
  bool NotYet(std::string_view key, std::string_view what);

  std::optional<std::string> String(std::string_view key);
  std::optional<std::string> Name(std::string_view key);
  std::optional<bool> Bool(std::string_view key);
  std::optional<int64_t> Integer(std::string_view key, int64_t least, int64_t most);
  std::optional<int64_t> Credits(std::string_view key, bool zero_allowed);
  std::optional<absl::Duration> Duration(std::string_view key, bool zero_allowed);
  std::optional<size_t> Choice(std::string_view key, std::span<const std::string_view> words);

  void Finish() const;

  bool valid() const { return valid_; }
  const ConfigPlace& place() const { return place_; }
  const ValueReader& read() const { return read_; }

 private:
  const ConfigNode& node_;
  const ConfigPlace place_;
  const ValueReader& read_;
  bool valid_;
  std::vector<std::string> known_;
};

// For features that are refused until they are built.
std::string NotSupportedYet(std::string_view what);

}  // namespace chain429
