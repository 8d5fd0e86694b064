#include "common/config/model_name.h"

#include <algorithm>

#include "common/base/text.h"

namespace chain429 {

bool CheckModelName(std::string_view name, Position at, const ConfigPlace& place, const ValueReader& read) {
  constexpr size_t kLongest = 256;
  const char* problem = nullptr;
  if (name.empty()) {
    problem = "must not be empty";
  } else if (name.size() > kLongest) {
    problem = "longer than 256 bytes";
  } else if (TrimSpace(name).size() != name.size()) {
    problem = "must not begin or end with a blank";
  } else if (std::any_of(name.begin(), name.end(),
                         [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; })) {
    problem = "must not hold control characters";
  }
  if (problem != nullptr) read.Error(at, place, problem);
  return problem == nullptr;
}

std::optional<std::string> ReadModelName(const ConfigMember& member, const ConfigPlace& place,
                                         const ValueReader& read) {
  std::optional<std::string> name = read.String(member.value, place);
  if (name && !CheckModelName(*name, member.value.at, place, read)) return std::nullopt;
  return name;
}

void CheckSectionName(const ConfigMember& member, const ConfigPlace& section, const ValueReader& read) {
  // The key is read as if it were a value, for the same words.
  ConfigNode node;
  node.kind = NodeKind::kString;
  node.at = member.key_at;
  node.text = member.key;
  read.Name(node, section.Key(member));
}

}  // namespace chain429
