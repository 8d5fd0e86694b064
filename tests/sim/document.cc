#include "tests/sim/document.h"

#include <charconv>
#include <fstream>
#include <optional>
#include <sstream>

#include "yaml-cpp/yaml.h"

namespace chain429::sim {
namespace {

template <typename Number>
std::optional<Number> WholeNumber(const std::string& text) {
  Number number{};
  const char* begin = text.data() + (text.starts_with('+') ? 1 : 0);
  auto [end, error] = std::from_chars(begin, text.data() + text.size(), number);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

Json PlainScalar(const std::string& text) {
  if (text.empty() || text == "~" || text == "null") return nullptr;
  if (text == "true" || text == "false") return text == "true";
  if (auto number = WholeNumber<int64_t>(text)) return *number;
  // Words that from_chars would take for numbers ("inf", "nan") stay words.
  bool looks_numeric = text.find_first_not_of("+-.0123456789eE") == std::string::npos;
  if (auto number = WholeNumber<double>(text); number && looks_numeric) return *number;
  return text;
}

class Converter {
 public:
  explicit Converter(Document* document) : document_(*document) {}

  absl::StatusOr<Json> Convert(const YAML::Node& node, const std::string& path) {
    document_.places[path] = Place(node.Mark());
    switch (node.Type()) {
      case YAML::NodeType::Scalar:
        return node.Tag() == "!" ? Json(node.Scalar()) : PlainScalar(node.Scalar());
      case YAML::NodeType::Sequence:
        return List(node, path);
      case YAML::NodeType::Map:
        return Object(node, path);
      case YAML::NodeType::Null:
      case YAML::NodeType::Undefined:
        return Json(nullptr);
    }
    return Json(nullptr);
  }

 private:
  static std::string Place(const YAML::Mark& mark) {
    return std::to_string(mark.line + 1) + ":" + std::to_string(mark.column + 1);
  }

  absl::StatusOr<Json> List(const YAML::Node& node, const std::string& path) {
    Json list = Json::array();
    for (const YAML::Node& item : node) {
      absl::StatusOr<Json> value = Convert(item, path + "[" + std::to_string(list.size()) + "]");
      if (!value.ok()) return value;
      list.push_back(*std::move(value));
    }
    return list;
  }

  absl::StatusOr<Json> Object(const YAML::Node& node, const std::string& path) {
    Json object = Json::object();
    for (const auto& item : node) {
      const YAML::Node& key_node = item.first;
      const YAML::Node& value_node = item.second;
      if (!key_node.IsScalar()) {
        return absl::InvalidArgumentError(document_.name + ":" + Place(key_node.Mark()) + ": a key must be a word");
      }
      std::string key = key_node.Scalar();
      std::string inner = path.empty() ? key : path + "." + key;
      if (object.contains(key)) {
        return absl::InvalidArgumentError(document_.name + ":" + Place(key_node.Mark()) + ": " + inner +
                                          " stands there twice");
      }
      absl::StatusOr<Json> value = Convert(value_node, inner);
      if (!value.ok()) return value;
      document_.places[inner] = Place(key_node.Mark());
      object[key] = *std::move(value);
    }
    return object;
  }

  Document& document_;
};

}  // namespace

absl::StatusOr<Document> ParseYaml(const std::string& text, std::string name) {
  Document document;
  document.name = std::move(name);
  try {
    Converter converter(&document);
    absl::StatusOr<Json> root = converter.Convert(YAML::Load(text), "");
    if (!root.ok()) return root.status();
    document.root = *std::move(root);
  } catch (const YAML::Exception& error) {
    return absl::InvalidArgumentError(document.name + ":" + std::to_string(error.mark.line + 1) + ":" +
                                      std::to_string(error.mark.column + 1) + ": " + error.msg);
  }
  return document;
}

absl::StatusOr<Document> ParseJson(std::string_view text) {
  Document document;
  document.root = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (document.root.is_discarded()) return absl::InvalidArgumentError("not valid JSON");
  return document;
}

absl::StatusOr<Document> LoadDocument(const std::string& file) {
  std::ifstream stream(file);
  if (!stream) return absl::NotFoundError(file + ": cannot be read");
  std::ostringstream text;
  text << stream.rdbuf();
  return ParseYaml(text.str(), file);
}

}  // namespace chain429::sim
