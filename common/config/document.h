#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/config/problem.h"

namespace chain429 {

// What a value is by the rules of YAML 1.2's core schema, or JSON's.
enum class NodeKind : uint8_t { kNull, kBool, kInteger, kFloat, kString, kSequence, kMapping };

struct ConfigMember;

// One value of a configuration file, with its place. YAML and JSON become the same tree.
struct ConfigNode {
  NodeKind kind = NodeKind::kNull;
  Position at;
  std::string text;  // of a scalar, as written (escapes resolved)
  std::vector<ConfigNode> items;
  std::vector<ConfigMember> members;  // in file order, keys unique

  // The value under `key`; nullptr when there is none.
  const ConfigMember* Find(std::string_view key) const;
};

struct ConfigMember {
  std::string key;
  Position key_at;
  ConfigNode value;
};

enum class DocumentFormat { kYaml, kJson };

// By the name's ending; without a telling one, a text that starts with "{" is JSON.
DocumentFormat FormatOf(std::string_view name, std::string_view text);

// The tree of `text`, or nothing when it is no document at all; either way `problems` says what is wrong with it.
// Duplicate keys are errors that leave a tree to look at. Memory and time are bounded by the limits below whatever the
// text is.
std::optional<ConfigNode> ParseDocument(std::string_view text, DocumentFormat format, ConfigProblems& problems);

inline constexpr size_t kLargestDocument = size_t{1} << 20;  // bytes
inline constexpr size_t kDeepestDocument = 32;               // the schema needs 8
inline constexpr size_t kMostNodes = 50'000;                 // aliases expanded

// "a string", "a number", …: for messages.
std::string_view KindName(NodeKind kind);
// A plain scalar's kind.
NodeKind PlainKind(std::string_view text);

}  // namespace chain429
