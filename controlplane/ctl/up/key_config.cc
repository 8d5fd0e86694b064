#include "controlplane/ctl/up/key_config.h"

#include "absl/strings/str_cat.h"
#include "common/base/text.h"

namespace chain429 {
namespace {

// What a key's variable is called, and what to ask that provider for. In the order of the chain: the larger model and
// the larger free tier first.
struct KnownKey {
  const char* provider;
  const char* variable;
  const char* base_url;  // null: the catalogue's
  std::vector<const char*> models;
  bool free;
};

const std::vector<KnownKey>& KnownKeys() {
  static const auto* keys = new std::vector<KnownKey>{
      {"groq", "GROQ_API_KEY", nullptr, {"openai/gpt-oss-120b", "openai/gpt-oss-20b"}, true},
      {"cerebras", "CEREBRAS_API_KEY", nullptr, {"gpt-oss-120b"}, true},
      {"openrouter", "OPENROUTER_API_KEY", nullptr, {"openai/gpt-oss-20b:free"}, true},
      {"openai", "OPENAI_API_KEY", "https://api.openai.com/v1", {"gpt-4o-mini"}, false},
  };
  return *keys;
}

}  // namespace

std::vector<std::string> KnownKeyVariables() {
  std::vector<std::string> names;
  for (const KnownKey& key : KnownKeys()) names.emplace_back(key.variable);
  return names;
}

std::vector<std::string> KeysSet(const HasVariable& has) {
  std::vector<std::string> names;
  for (const KnownKey& key : KnownKeys()) {
    if (has(key.variable)) names.emplace_back(key.variable);
  }
  return names;
}

std::optional<std::string> ConfigForKeys(const HasVariable& has) {
  std::string providers;
  std::string targets;
  bool any_free = false;
  for (const KnownKey& key : KnownKeys()) {
    if (!has(key.variable)) continue;
    const bool enabled = key.free || !any_free;
    any_free = any_free || key.free;
    absl::StrAppend(&providers, "  ", key.provider, ":\n    kind: ", key.provider, "\n");
    if (key.base_url != nullptr) absl::StrAppend(&providers, "    base_url: ", key.base_url, "\n");
    absl::StrAppend(&providers, "    credentials: [{name: main, env: ", key.variable, "}]\n");
    if (!enabled)
      absl::StrAppend(&targets,
                      "      # Costs money, so it is off while there are free ones: set enabled to true to use it as "
                      "the last resort.\n");
    for (const char* model : key.models) {
      absl::StrAppend(&targets, "      - {provider: ", key.provider, ", model: \"", model, "\"",
                      enabled ? "" : ", enabled: false", "}\n");
    }
  }
  if (providers.empty()) return std::nullopt;
  return absl::StrCat(
      "# Written by `429ctl up` from the API keys in the environment; it will not be overwritten. Edit it as you like: "
      "a saved change is\n"
      "# taken within seconds while the control plane runs. `429ctl validate FILE` checks it.\n"
      "version: 1\n"
      "providers:\n",
      providers,
      "chains:\n"
      "  ",
      kAutoChain,
      ":\n"
      "    targets:\n",
      targets, "default_chain: ", kAutoChain, "\n");
}

}  // namespace chain429
