#include "common/provider/catalogue.h"

#include <set>
#include <utility>

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/text.h"
#include "common/provider/builtin_texts.h"
#include "common/provider/catalogue_reader.h"

namespace chain429 {
namespace {

// One text, read.
struct Source {
  std::string name;
  nlohmann::json json;
};

using Sources = std::map<std::string, Source>;  // by kind

// Merges what `kind` extends into it, that one's own base first; `open` holds the kinds being extended, so that a ring
// is noticed.
void Resolve(const std::string& kind, Sources& sources, std::set<std::string>& open, std::vector<std::string>& faults) {
  Source& source = sources.at(kind);
  const auto extends = source.json.find("extends");
  if (extends == source.json.end()) return;
  const std::string base = extends->is_string() ? extends->get<std::string>() : std::string();
  source.json.erase("extends");
  open.insert(kind);
  if (!sources.contains(base) || open.contains(base)) {
    faults.push_back(absl::StrCat(
        source.name, ": ", kind, ".extends: ", open.contains(base) ? "goes round in a ring" : "there is no such kind"));
  } else {
    Resolve(base, sources, open, faults);
    ExtendEntry(sources.at(base).json, source.json);
  }
  open.erase(kind);
}

}  // namespace

absl::StatusOr<Catalogue> Catalogue::Builtin() { return Parse(BuiltinCatalogueTexts()); }

absl::StatusOr<Catalogue> Catalogue::Parse(const std::vector<CatalogueText>& texts) {
  std::vector<std::string> faults;
  Sources sources;
  for (const CatalogueText& text : texts) {
    absl::StatusOr<nlohmann::json> json = ReadYaml(text.text);
    if (!json.ok()) {
      faults.push_back(absl::StrCat(text.name, ":", ToAbsl(FromAbsl(json.status().message()))));
      continue;
    }
    const auto kind = json->is_object() ? json->find("kind") : json->end();
    if (!json->is_object() || kind == json->end() || !kind->is_string()) {
      faults.push_back(absl::StrCat(text.name, ": an object with a `kind` is wanted"));
      continue;
    }
    const std::string name = kind->get<std::string>();
    if (!sources.emplace(name, Source{text.name, *std::move(json)}).second) {
      faults.push_back(absl::StrCat(text.name, ": the kind \"", name, "\" is there already"));
    }
  }
  std::set<std::string> open;
  for (const auto& [kind, unused] : sources) Resolve(kind, sources, open, faults);
  Catalogue catalogue;
  for (const auto& [kind, source] : sources) {
    std::vector<std::string> own;
    catalogue.entries_.emplace(kind, ReadCatalogueEntry(source.json, own));
    for (const std::string& fault : own) faults.push_back(absl::StrCat(source.name, ": ", fault));
  }
  if (!faults.empty()) return absl::InvalidArgumentError(absl::StrJoin(faults, "\n"));
  return catalogue;
}

const CatalogueEntry* Catalogue::Find(std::string_view kind) const {
  const auto found = entries_.find(kind);
  return found == entries_.end() ? nullptr : &found->second;
}

std::vector<std::string> Catalogue::Kinds() const {
  std::vector<std::string> kinds;
  for (const auto& [kind, unused] : entries_) kinds.push_back(kind);
  return kinds;
}

}  // namespace chain429
