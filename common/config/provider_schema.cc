#include "common/config/provider_schema.h"

#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/text.h"
#include "common/config/base_url.h"
#include "common/config/header_schema.h"
#include "common/config/limit_schema.h"
#include "common/config/model_name.h"
#include "common/config/secret_schema.h"

namespace chain429 {
namespace {

constexpr int64_t kLargestContext = 1'000'000'000;  // tokens
constexpr std::array<std::string_view, 2> kTokenWords = {"p95", "strict"};
constexpr std::array<TokenPolicy, 2> kTokenPolicies = {TokenPolicy::kP95, TokenPolicy::kStrict};
constexpr std::array<std::string_view, 3> kDisconnectedWords = {"share", "deny", "open"};
constexpr std::array<WhenDisconnected, 3> kDisconnected = {WhenDisconnected::kShare, WhenDisconnected::kDeny,
                                                           WhenDisconnected::kOpen};

class ProviderReader {
 public:
  ProviderReader(const Catalogue& catalogue, const ZoneLookup& zones, const ValueReader& read)
      : catalogue_(catalogue), zones_(zones), read_(read) {}

  ProviderConfig Read(const ConfigMember& member, const ConfigPlace& place) {
    ProviderConfig provider;
    provider.name = member.key;
    provider.at = member.key_at;
    ConfigFields fields(member.value, place, read_);
    if (!fields.valid()) return provider;
    const CatalogueEntry* entry = ReadKind(fields, provider);
    const bool has_url = ReadBaseUrl(fields, provider, entry);
    ReadCredentials(fields, provider);
    const bool needs_key =
        entry != nullptr && !has_url && !entry->base_url.empty() && entry->auth.kind != AuthStyle::Kind::kNone;
    if (needs_key && provider.credentials.empty() && member.value.Find("credentials") == nullptr) {
      read_.Error(place.at, place,
                  absl::StrCat("\"credentials\" is missing: ", entry->title.empty() ? entry->kind : entry->title,
                               " wants a key"));
    }
    provider.headers = ReadHeaders(fields);
    provider.limits = ReadLimits(fields);
    provider.windows = ReadWindows(fields, zones_);
    if (entry != nullptr) CheckCatalogueZones(*entry, provider, place);
    if (const auto word = fields.Choice("tokens", kTokenWords); word) provider.tokens = kTokenPolicies[*word];
    if (const auto word = fields.Choice("when_disconnected", kDisconnectedWords); word)
      provider.when_disconnected = kDisconnected[*word];
    ReadModels(fields, provider);
    provider.enabled = fields.Bool("enabled").value_or(true);
    fields.Finish();
    return provider;
  }

 private:
  const CatalogueEntry* ReadKind(ConfigFields& fields, ProviderConfig& provider) {
    const ConfigMember* member = fields.Require("kind");
    if (member == nullptr) return nullptr;
    const ConfigPlace place = fields.place().Key(*member);
    const std::optional<std::string> kind = read_.String(member->value, place);
    if (!kind) return nullptr;
    const CatalogueEntry* entry = catalogue_.Find(*kind);
    if (entry == nullptr) {
      const std::vector<std::string> kinds = catalogue_.Kinds();
      const std::vector<std::string_view> words(kinds.begin(), kinds.end());
      read_.Choice(member->value, place, words);
      return nullptr;
    }
    provider.kind = *kind;
    return entry;
  }

  // Returns whether the configuration has one.
  bool ReadBaseUrl(ConfigFields& fields, ProviderConfig& provider, const CatalogueEntry* entry) {
    const bool allow_http = fields.Bool("allow_http").value_or(false);
    const bool required = entry != nullptr && entry->base_url.empty();
    const ConfigMember* member = required ? fields.Require("base_url") : fields.Take("base_url");
    if (member == nullptr) {
      if (entry == nullptr || required) return false;
      absl::StatusOr<Endpoint> known = ParseBaseUrl(entry->base_url);
      if (known.ok()) provider.endpoint = *std::move(known);
      if (!known.ok())
        read_.Error(fields.place().at, fields.place(),
                    "the catalogue's URL of this kind is not usable: write \"base_url\"");
      return false;
    }
    const ConfigPlace place = fields.place().Key(*member);
    const std::optional<std::string> text = read_.String(member->value, place);
    if (!text) return true;
    absl::StatusOr<Endpoint> endpoint = ParseBaseUrl(*text);
    if (!endpoint.ok()) {
      read_.Error(member->value.at, place, FromAbsl(endpoint.status().message()));
      return true;
    }
    if (!endpoint->tls && !allow_http && !IsLoopbackHost(endpoint->host)) {
      read_.Error(member->value.at, place,
                  "http:// sends keys and prompts in the clear: use https://, or say allow_http: true");
    }
    provider.endpoint = *std::move(endpoint);
    return true;
  }

  void ReadCredentials(ConfigFields& fields, ProviderConfig& provider) {
    const ConfigMember* member = fields.Take("credentials");
    if (member == nullptr) return;
    ConfigPlace list = fields.place().Key(*member);
    list.secret = true;
    if (!read_.IsSequence(member->value, list)) return;
    std::set<std::string> names;
    for (size_t i = 0; i < member->value.items.size(); ++i) {
      const ConfigNode& item = member->value.items[i];
      provider.credentials.push_back(ReadCredential(item, list.Index(i, item)));
      const std::string& name = provider.credentials.back().name;
      if (!name.empty() && !names.insert(name).second) {
        read_.Error(item.Find("name")->value.at, list.Index(i, item),
                    "another credential of this provider has the same name");
      }
    }
  }

  CredentialConfig ReadCredential(const ConfigNode& item, const ConfigPlace& place) {
    CredentialConfig credential;
    credential.at = item.at;
    credential.path = place.path;
    ConfigFields fields(item, place, read_);
    if (const ConfigMember* name = fields.Require("name"); name != nullptr) {
      credential.name = read_.Name(name->value, place.Key(*name)).value_or("");
    }
    if (const auto source = ReadSecretSource(fields, true); source) credential.source = *source;
    credential.pool = fields.Name("pool").value_or("");
    credential.limits = ReadLimits(fields);
    fields.Finish();
    return credential;
  }

  void ReadModels(ConfigFields& fields, ProviderConfig& provider) {
    const ConfigMember* member = fields.Take("models");
    if (member == nullptr) return;
    const ConfigPlace place = fields.place().Key(*member);
    if (!read_.IsMapping(member->value, place)) return;
    for (const ConfigMember& entry : member->value.members) {
      ModelConfig model;
      model.name = entry.key;
      const ConfigPlace entry_place = place.Key(entry);
      model.at = entry.key_at;
      model.path = entry_place.path;
      CheckModelName(entry.key, entry.key_at, entry_place, read_);
      // `my-model:` with nothing behind it lists the model.
      if (entry.value.kind != NodeKind::kNull) {
        ConfigFields model_fields(entry.value, entry_place, read_);
        model.limits = ReadLimits(model_fields);
        model.rates = ReadRates(model_fields);
        model.context = model_fields.Integer("context", 1, kLargestContext).value_or(0);
        if (const ConfigMember* canonical = model_fields.Take("canonical"); canonical != nullptr) {
          model.canonical = ReadModelName(*canonical, entry_place.Key(*canonical), read_).value_or("");
        }
        model_fields.Finish();
      }
      provider.models.push_back(std::move(model));
    }
  }

  // The catalogue's own windows need their zones too, unless the configuration replaces them.
  void CheckCatalogueZones(const CatalogueEntry& entry, const ProviderConfig& provider, const ConfigPlace& place) {
    for (size_t i = 0; i < kLimitKeys.size(); ++i) {
      const auto window = entry.windows.find(kLimitKeys[i].name);
      if (window == entry.windows.end() || window->second.kind != WindowKind::kFixed || provider.windows[i]) continue;
      if (!CheckZone(window->second.zone, place.at, place, zones_, read_)) return;
    }
  }

  const Catalogue& catalogue_;
  const ZoneLookup& zones_;
  const ValueReader& read_;
};

}  // namespace

std::vector<ProviderConfig> ReadProviders(const ConfigNode& node, const ConfigPlace& place, const Catalogue& catalogue,
                                          const ZoneLookup& zones, const ValueReader& read) {
  std::vector<ProviderConfig> providers;
  if (!read.IsMapping(node, place)) return providers;
  ProviderReader reader(catalogue, zones, read);
  for (const ConfigMember& member : node.members) {
    CheckSectionName(member, place, read);
    providers.push_back(reader.Read(member, place.Key(member)));
  }
  return providers;
}

}  // namespace chain429
