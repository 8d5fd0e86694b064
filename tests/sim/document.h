#pragma once

#include <map>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "nlohmann/json.hpp"

namespace chain429::sim {

// Ordered, so that what the simulator answers has its keys in the order in which the impersonated provider sends them.
using Json = nlohmann::ordered_json;

// A YAML or JSON text as a tree, with the place in the text where each path ("providers[0].limits.rpm") begins.
struct Document {
  Json root;
  std::string name;                            // the file, for messages; empty for a request's body
  std::map<std::string, std::string> places;   // path → "LINE:COLUMN"
};

// Refuses duplicate keys. Plain scalars become numbers, booleans and null, quoted ones stay strings.
absl::StatusOr<Document> ParseYaml(const std::string& text, std::string name);
absl::StatusOr<Document> ParseJson(std::string_view text);
absl::StatusOr<Document> LoadDocument(const std::string& file);

}  // namespace chain429::sim
