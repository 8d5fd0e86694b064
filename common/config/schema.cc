#include "common/config/schema.h"

#include <array>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/text.h"
#include "common/config/chain_schema.h"
#include "common/config/fields.h"
#include "common/config/provider_schema.h"
#include "common/config/secret_schema.h"

namespace chain429 {
namespace {

constexpr std::array<std::string_view, 4> kLevelWords = {"debug", "info", "warning", "error"};
constexpr std::array<LogLevel, 4> kLevels = {LogLevel::kDebug, LogLevel::kInfo, LogLevel::kWarning, LogLevel::kError};
constexpr std::array<std::string_view, 2> kFormatWords = {"text", "json"};
constexpr std::array<LogFormat, 2> kFormats = {LogFormat::kText, LogFormat::kJson};
constexpr std::array<std::string_view, 3> kBodyWords = {"off", "errors", "all"};
constexpr std::array<LogBodies, 3> kBodies = {LogBodies::kOff, LogBodies::kErrors, LogBodies::kAll};

constexpr int64_t kLargestLogNumber = 1'000'000;
constexpr int64_t kMostLogFiles = 1000;

void ReadVersion(ConfigFields& root) {
  const ConfigMember* member = root.Require("version");
  if (member == nullptr) return;
  const ConfigPlace place = root.place().Key(*member);
  const std::optional<int64_t> version = root.read().Integer(member->value, place, 1, INT64_MAX);
  if (version && *version != 1)
    root.read().Error(member->value.at, place, "this version of the format is not known: write 1");
}

std::vector<ConfigReference> ReadGrants(ConfigFields& key) {
  std::vector<ConfigReference> chains;
  const ConfigMember* member = key.Take("chains");
  if (member == nullptr) return chains;
  ConfigPlace place = key.place().Key(*member);
  if (!key.read().IsSequence(member->value, place)) return chains;
  if (member->value.items.empty())
    key.read().Error(member->value.at, place, "an empty list allows nothing: leave it out to allow every chain");
  for (size_t i = 0; i < member->value.items.size(); ++i) {
    const ConfigNode& item = member->value.items[i];
    const ConfigPlace item_place = place.Index(i, item);
    if (const auto name = key.read().Name(item, item_place); name) chains.push_back({*name, item.at, item_place.path});
  }
  return chains;
}

void ReadClientKeys(const ConfigMember& member, ConfigPlace list, const ValueReader& read, Config& config) {
  list.secret = true;
  if (!read.IsSequence(member.value, list)) return;
  std::set<std::string> names;
  for (size_t i = 0; i < member.value.items.size(); ++i) {
    const ConfigNode& item = member.value.items[i];
    const ConfigPlace place = list.Index(i, item);
    ConfigFields fields(item, place, read);
    ClientKeyConfig key;
    if (const ConfigMember* name = fields.Require("name"); name != nullptr) {
      key.name = read.Name(name->value, place.Key(*name)).value_or("");
      if (!key.name.empty() && !names.insert(key.name).second)
        read.Error(name->value.at, place.Key(*name), "another client key has the same name");
    }
    if (const auto source = ReadSecretSource(fields, false); source) key.source = *source;
    key.chains = ReadGrants(fields);
    fields.Finish();
    config.client_keys.push_back(std::move(key));
  }
}

void ReadAuth(ConfigFields& root, Config& config) {
  const ConfigMember* member = root.Take("auth");
  if (member == nullptr) return;
  ConfigPlace place = root.place().Key(*member);
  place.secret = true;
  ConfigFields auth(member->value, place, root.read());
  if (const ConfigMember* keys = auth.Take("client_keys"); keys != nullptr)
    ReadClientKeys(*keys, place.Key(*keys), root.read(), config);
  auth.Finish();
}

// A path, in which {program} and {node} stand for what each program puts there.
void ReadLogFile(ConfigFields& log, LogSettings& out) {
  const ConfigMember* member = log.Take("file");
  if (member == nullptr) return;
  const ConfigPlace place = log.place().Key(*member);
  const std::optional<std::string> path = log.read().String(member->value, place);
  if (!path) return;
  if (path->empty() || path->back() == '/') {
    log.read().Error(member->value.at, place, "must be the path of a file; leave it out, or write null, for stderr");
    return;
  }
  for (size_t at = path->find('{'); at != std::string::npos; at = path->find('{', at + 1)) {
    const std::string_view rest = std::string_view(*path).substr(at);
    if (rest.starts_with("{program}") || rest.starts_with("{node}")) continue;
    log.read().Error(member->value.at, place, "what may stand in braces is {program} and {node}");
    return;
  }
  out.file = *path;
}

void ReadLog(ConfigFields& root, LogSettings& out) {
  const ConfigMember* member = root.Take("log");
  if (member == nullptr) return;
  ConfigFields log(member->value, root.place().Key(*member), root.read());
  if (const auto level = log.Choice("level", kLevelWords); level) out.level = kLevels[*level];
  if (const auto format = log.Choice("format", kFormatWords); format) out.format = kFormats[*format];
  ReadLogFile(log, out);
  out.rotate_mb = log.Integer("rotate_mb", 1, kLargestLogNumber).value_or(out.rotate_mb);
  out.keep = log.Integer("keep", 0, kMostLogFiles).value_or(out.keep);
  if (const auto bodies = log.Choice("bodies", kBodyWords); bodies) out.bodies = kBodies[*bodies];
  log.Finish();
}

// Sections of later features: nothing in them, or not at all.
void RefuseSection(ConfigFields& root, std::string_view key, NodeKind kind, std::string_view what) {
  const ConfigMember* member = root.Take(key);
  if (member == nullptr) return;
  const ConfigPlace place = root.place().Key(*member);
  const bool right = kind == NodeKind::kSequence ? root.read().IsSequence(member->value, place)
                                                 : root.read().IsMapping(member->value, place);
  if (!right || (member->value.items.empty() && member->value.members.empty())) return;
  root.read().Error(member->key_at, place, NotSupportedYet(what));
}

}  // namespace

Config ReadConfig(const ConfigNode& root, const Catalogue& catalogue, const ZoneLookup& zones,
                  ConfigProblems& problems) {
  Config config;
  const ValueReader read(problems);
  ConfigFields fields(root, ConfigPlace{"", {1, 1}, false}, read);
  if (!fields.valid()) return config;
  ReadVersion(fields);
  ReadAuth(fields, config);
  if (const ConfigMember* member = fields.Take("providers"); member != nullptr) {
    config.providers = ReadProviders(member->value, fields.place().Key(*member), catalogue, zones, read);
  }
  if (const ConfigMember* member = fields.Take("chains"); member != nullptr) {
    config.chains = ReadChains(member->value, fields.place().Key(*member), read);
  }
  if (const ConfigMember* member = fields.Take("default_chain"); member != nullptr) {
    const ConfigPlace place = fields.place().Key(*member);
    config.default_chain = {read.String(member->value, place).value_or(""), member->value.at, place.path};
    if (member->value.kind == NodeKind::kString && member->value.text.empty())
      read.Error(member->value.at, place, "must not be empty");
  }
  RefuseSection(fields, "nodes", NodeKind::kSequence, "giving nodes their chains");
  RefuseSection(fields, "prices", NodeKind::kMapping, "prices");
  RefuseSection(fields, "webhooks", NodeKind::kSequence, "webhooks");
  ReadLog(fields, config.log);
  fields.Finish();
  return config;
}

}  // namespace chain429
