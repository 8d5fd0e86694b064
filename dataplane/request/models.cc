#include "dataplane/request/models.h"

#include <algorithm>
#include <set>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/log.h"
#include "common/base/text.h"
#include "dataplane/request/client_auth.h"

namespace chain429 {
namespace {

constexpr size_t kNamedChains = 20;

struct Listed {
  std::string id;
  std::string_view owner;
  int64_t context = 0;
};

std::vector<Listed> AllModels(const Snapshot& snapshot, const ClientKey* key) {
  std::vector<Listed> listed;
  std::set<std::string, std::less<>> seen;
  const auto add = [&](std::string_view id, std::string_view owner, int64_t context) {
    if (seen.emplace(id).second) listed.push_back({std::string(id), owner, context});
  };
  for (const Chain& chain : snapshot.chains) {
    if (!MayUse(key, chain.name)) continue;
    // A chain takes what its largest target takes.
    int64_t context = 0;
    for (const uint32_t target : chain.targets) context = std::max(context, snapshot.targets[target].context);
    add(chain.name, "429chain", context);
    for (const std::string& alias : chain.aliases) add(alias, "429chain", context);
  }
  if (key != nullptr && !key->chains.empty()) return listed;
  for (const Provider& provider : snapshot.providers) {
    if (!provider.enabled) continue;
    for (const ModelLimits& model : provider.models) {
      if (!model.canonical.empty() && snapshot.targets_by_canonical.contains(model.canonical))
        add(model.canonical, "429chain", model.context);
      for (const std::string& alias : model.aliases) {
        if (snapshot.targets_by_canonical.contains(alias)) add(alias, "429chain", model.context);
      }
    }
  }
  for (const Target& target : snapshot.targets) {
    if (snapshot.providers[target.provider].enabled)
      add(target.name, snapshot.providers[target.provider].name, target.context);
  }
  return listed;
}

void AppendObject(std::string& out, const Listed& model) {
  out.append(R"({"id":")");
  AppendJsonEscaped(out, model.id);
  // OpenAI's clients insist on `created`; nothing here has a date of its own.
  out.append(R"(","object":"model","created":0,"owned_by":")");
  AppendJsonEscaped(out, model.owner);
  out.push_back('"');
  if (model.context > 0) absl::StrAppend(&out, ",\"context_length\":", model.context);
  out.push_back('}');
}

// `hint`: what else may be named, for keys that may use all.
std::string UnknownMessage(const Snapshot& snapshot, const ClientKey* key, std::string_view what, std::string_view name,
                           std::string_view hint) {
  const bool restricted = key != nullptr && !key->chains.empty();
  std::vector<std::string> names;
  for (const Chain& chain : snapshot.chains) {
    if (MayUse(key, chain.name)) names.push_back(chain.name);
  }
  std::string out =
      absl::StrCat("There is no ", ToAbsl(what), " \"", Truncate(name, 120), restricted ? "\" for this key." : "\".");
  if (const auto meant = DidYouMean(name, names)) absl::StrAppend(&out, " Did you mean \"", *meant, "\"?");
  if (restricted && names.empty()) return out.append(" The chains that this key may use are not configured any more.");
  if (names.empty()) return out.append(" No chain is configured yet.");
  absl::StrAppend(&out, restricted ? " The chains that it may use are: " : " The chains are: ");
  for (size_t i = 0; i < std::min(names.size(), kNamedChains); ++i) absl::StrAppend(&out, i > 0 ? ", " : "", names[i]);
  if (names.size() > kNamedChains) absl::StrAppend(&out, " and ", names.size() - kNamedChains, " more");
  return out.append(".").append(restricted ? std::string_view() : hint);
}

}  // namespace

std::string ModelList(const Snapshot& snapshot, const ClientKey* key) {
  std::string out = R"({"object":"list","data":[)";
  bool first = true;
  for (const Listed& model : AllModels(snapshot, key)) {
    if (!first) out.push_back(',');
    first = false;
    AppendObject(out, model);
  }
  return out.append("]}");
}

std::string ModelObject(const Snapshot& snapshot, const ClientKey* key, std::string_view id) {
  std::string out;
  for (const Listed& model : AllModels(snapshot, key)) {
    if (model.id == id) AppendObject(out, model);
  }
  return out;
}

std::string UnknownModelMessage(const Snapshot& snapshot, const ClientKey* key, std::string_view model) {
  return UnknownMessage(snapshot, key, "model", model, " A model can also be named as provider/model.");
}

std::string UnknownChainMessage(const Snapshot& snapshot, const ClientKey* key, std::string_view chain) {
  return UnknownMessage(snapshot, key, "chain", chain, {});
}

}  // namespace chain429
