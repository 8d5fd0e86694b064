#include <charconv>
#include <string>

#include <yaml-cpp/yaml.h>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "common/base/text.h"
#include "common/provider/catalogue_reader.h"

namespace chain429 {
namespace {

constexpr int kMaxDepth = 64;
constexpr int kMaxValues = 100'000;

std::string At(const YAML::Node& node, std::string_view what) {
  const YAML::Mark mark = node.Mark();
  return absl::StrCat(mark.line + 1, ":", mark.column + 1, ": ", ToAbsl(what));
}

// Only what is unquoted can be anything but a string: yaml-cpp marks quoted scalars with the tag "!".
nlohmann::json Scalar(const YAML::Node& node) {
  const std::string& text = node.Scalar();
  if (node.Tag() == "!") return text;
  if (text == "true" || text == "True") return true;
  if (text == "false" || text == "False") return false;
  if (text == "null" || text == "~" || text.empty()) return nullptr;
  int64_t integer = 0;
  const char* end = text.data() + text.size();
  if (const auto parsed = std::from_chars(text.data(), end, integer); parsed.ec == std::errc() && parsed.ptr == end)
    return integer;
  return text;
}

class Converter {
 public:
  absl::StatusOr<nlohmann::json> Convert(const YAML::Node& node, int depth) {
    if (depth > kMaxDepth) return absl::InvalidArgumentError(At(node, "nested too deep"));
    if (++values_ > kMaxValues) return absl::InvalidArgumentError(At(node, "too many values"));
    switch (node.Type()) {
      case YAML::NodeType::Scalar:
        return Scalar(node);
      case YAML::NodeType::Sequence:
        return Sequence(node, depth);
      case YAML::NodeType::Map:
        return Map(node, depth);
      case YAML::NodeType::Null:
      case YAML::NodeType::Undefined:
        return nlohmann::json(nullptr);
    }
    return nlohmann::json(nullptr);
  }

 private:
  absl::StatusOr<nlohmann::json> Sequence(const YAML::Node& node, int depth) {
    nlohmann::json list = nlohmann::json::array();
    for (const YAML::Node& item : node) {
      absl::StatusOr<nlohmann::json> value = Convert(item, depth + 1);
      if (!value.ok()) return value;
      list.push_back(*std::move(value));
    }
    return list;
  }

  absl::StatusOr<nlohmann::json> Map(const YAML::Node& node, int depth) {
    nlohmann::json object = nlohmann::json::object();
    for (const auto& item : node) {
      if (!item.first.IsScalar()) return absl::InvalidArgumentError(At(item.first, "a key has to be a string"));
      const std::string& key = item.first.Scalar();
      if (object.contains(key))
        return absl::InvalidArgumentError(At(item.first, absl::StrCat("\"", key, "\" is there twice")));
      absl::StatusOr<nlohmann::json> value = Convert(item.second, depth + 1);
      if (!value.ok()) return value;
      object[key] = *std::move(value);
    }
    return object;
  }

  int values_ = 0;
};

}  // namespace

absl::StatusOr<nlohmann::json> ReadYaml(std::string_view text) {
  try {
    const std::vector<YAML::Node> documents = YAML::LoadAll(std::string(text));
    if (documents.size() != 1) return absl::InvalidArgumentError("one document is wanted");
    return Converter().Convert(documents.front(), 0);
  } catch (const YAML::Exception& error) {
    return absl::InvalidArgumentError(absl::StrCat(error.mark.line + 1, ":", error.mark.column + 1, ": ", error.msg));
  }
}

}  // namespace chain429
