#include "controlplane/ctl/init/starter_config.h"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "common/base/text.h"
#include "controlplane/ctl/init/free_tier.h"
#include "controlplane/ctl/init/target_order.h"

namespace chain429 {
namespace {

constexpr char kClientKeys[] =
    "# Who may call. Without client keys only programs on this host may.\n"
    "# auth:\n"
    "#   client_keys:\n"
    "#     - {name: app, env: CHAIN429_API_KEY}\n"
    "#     - {name: editor, env: EDITOR_API_KEY, chains: [fast]}   # may call this chain only\n";

constexpr char kOwnServer[] =
    "  # Any other server that speaks OpenAI's dialect:\n"
    "  # mine:\n"
    "  #   kind: openai\n"
    "  #   base_url: http://127.0.0.1:9000/v1\n"
    "  #   limits: {rpm: 60, concurrency: 4}\n"
    "  #   models: {my-model: {context: 32768}}\n";

// JSON's strings are YAML's double-quoted ones.
std::string Quoted(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
}

std::string WhatItGives(const CatalogueEntry& entry) {
  const FreeTier tier = FreeTierOf(entry);
  std::string text = absl::StrCat(tier.title, ", ", ToAbsl(PlanWord(tier.plan)));
  if (!tier.note.empty()) absl::StrAppend(&text, ": ", tier.note);
  if (tier.allowances.empty()) return text;
  const std::optional<int64_t> requests = tier.RequestsPerDay();
  absl::StrAppend(&text, "; ", requests ? absl::StrCat("about ", WithCommas(*requests)) : "an unknown number of",
                  " requests a day", tier.as_of.empty() ? "" : absl::StrCat(" (", tier.as_of, ")"));
  return text;
}

std::string CredentialName(size_t index) { return index == 0 ? "main" : absl::StrCat("key-", index + 1); }

// A day in a zone that this machine does not know cannot be kept; any 24 hours are a stricter limit than that.
std::string WindowsText(const CatalogueEntry& entry, const ZoneLookup& zones) {
  std::string windows;
  for (const auto& [key, window] : entry.windows) {
    if (window.kind == WindowKind::kFixed && zones(window.zone) != ZoneAnswer::kKnown)
      absl::StrAppend(&windows, windows.empty() ? "" : ", ", key, ": {kind: sliding}");
  }
  if (windows.empty()) return "";
  return absl::StrCat("    # This machine has no time zone data (package tzdata); with it, this line can go.\n",
                      "    windows: {", windows, "}\n");
}

std::string ProviderText(const FoundProvider& provider, bool with_examples, const ZoneLookup& zones) {
  const CatalogueEntry& entry = *provider.entry;
  std::string out = absl::StrCat("  # ", WhatItGives(entry), ".\n  # Keys: ", entry.setup->keys_url, "\n  ", entry.kind,
                                 ":\n    kind: ", entry.kind, "\n");
  if (!entry.setup->base_url.empty()) absl::StrAppend(&out, "    base_url: ", entry.setup->base_url, "\n");
  out.append(WindowsText(entry, zones));
  out.append("    credentials:\n");
  for (size_t i = 0; i < provider.variables.size(); ++i) {
    const std::string name = CredentialName(i);
    if (i == 1)
      absl::StrAppend(&out, "      # Further keys share the first one's limits, as most accounts do. A key of another ",
                      "account has limits of its own:\n      # say so with a pool, as in {name: ", name,
                      ", env: ", provider.variables[i], ", pool: second}.\n");
    absl::StrAppend(&out, "      - {name: ", name, ", env: ", provider.variables[i], "}\n");
  }
  if (!with_examples) return out;
  if (provider.variables.size() == 1)
    absl::StrAppend(&out, "      # A second key; `pool` says that its account, and so its limits, are others:\n",
                    "      # - {name: second, env: ", provider.variables[0], "_2, pool: second}\n");
  out.append(
      "    # Limits of your own, where you know better than the catalogue: requests (r), tokens (t; it, ot for input "
      "and\n"
      "    # output) or credits (c) per second, minute, hour, day or month (ps pm ph pd pmo), and concurrency:\n"
      "    # limits: {rpm: 30, tpm: 6000}\n");
  return out;
}

std::string ServerText(const LocalServer& server) {
  return absl::StrCat("  # ", server.entry->title, " on this host, as it answered when this was written.\n  ",
                      server.entry->kind, ":\n    kind: ", server.entry->kind, "\n    base_url: ", server.base_url,
                      "\n    # limits: {concurrency: 1}\n");
}

std::string TargetText(const Candidate& candidate, bool enabled) {
  return absl::StrCat("      - {provider: ", candidate.provider, ", model: ", Quoted(candidate.model.id),
                      enabled ? "" : ", enabled: false", "}\n");
}

std::string AutoText(const std::vector<Candidate>& all, bool paid) {
  std::string out =
      "  # Every model, the best first: what is used up is passed over until it comes back.\n"
      "  auto:\n"
      "    aliases: [gpt-4o, gpt-4.1, gpt-5, gpt-5.4, gpt-5.5]   # for tools with fixed model names\n"
      "    targets:\n";
  bool said = paid;
  for (const Candidate& candidate : all) {
    const bool enabled = paid || candidate.plan != Plan::kPaid;
    if (!enabled && !std::exchange(said, true))
      out.append(
          "      # These cost money, so they are off while there are others; enabled: true makes them the last "
          "resort.\n");
    out.append(TargetText(candidate, enabled));
  }
  return out;
}

// A chain of those that suit, and then, if `rest`, of all the others.
std::string ChainText(const std::string& comment, const std::string& name, const std::string& aliases,
                      const std::vector<Candidate>& suitable, bool rest) {
  std::string out = absl::StrCat("  # ", comment, "\n  ", name, ":\n");
  if (!aliases.empty()) absl::StrAppend(&out, "    aliases: [", aliases, "]\n");
  out.append("    targets:\n");
  for (const Candidate& candidate : suitable) out.append(TargetText(candidate, true));
  if (suitable.empty()) out.append("      # No such model is known of these providers, so it is the same as `auto`.\n");
  if (rest || suitable.empty()) absl::StrAppend(&out, "      - {chain: ", kAutoChain, "}\n");
  return out;
}

}  // namespace

std::string StarterConfig(const std::vector<FoundProvider>& providers, const std::vector<LocalServer>& servers,
                          const std::string& written_by, const ZoneLookup& zones) {
  const std::vector<Candidate> all = Candidates(providers, servers);
  const bool paid =
      std::all_of(all.begin(), all.end(), [](const Candidate& candidate) { return candidate.plan == Plan::kPaid; });
  std::string out = absl::StrCat(
      "# 429chain's configuration, written by `", written_by, "`. No key is in it, only the names of the variables\n",
      "# that hold them. It is yours: it is not overwritten, and a saved change is taken within seconds while the\n",
      "# control plane runs. `429ctl validate FILE` checks it.\n", "version: 1\n\n", kClientKeys, "\nproviders:\n");
  for (size_t i = 0; i < providers.size(); ++i) out.append(ProviderText(providers[i], i == 0, zones));
  for (const LocalServer& server : servers) out.append(ServerText(server));
  out.append(kOwnServer);
  absl::StrAppend(
      &out,
      "\n# What is asked for by name as `model`. Each target is tried in turn; see `429ctl pools` for what is left.\n",
      "chains:\n", AutoText(all, paid),
      ChainText("Quick answers first.", "fast", "gpt-4o-mini, gpt-4.1-mini, gpt-4.1-nano, gpt-5-mini, gpt-3.5-turbo",
                FastOnes(all, paid), true),
      ChainText("Clever answers first, which may take their time.", "smart", "o3, o4-mini", SmartOnes(all, paid), true),
      ChainText("Only models that take 100,000 tokens in one request, the longest first.", "long-context", "",
                LongOnes(all, paid), false),
      "\n# For a model that is none of the above; without it, such a request is answered with 404.\n",
      "default_chain: ", kAutoChain, "\n");
  return out;
}

}  // namespace chain429
