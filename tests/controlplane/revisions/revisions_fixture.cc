#include "tests/controlplane/revisions/revisions_fixture.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/log.h"
#include "common/base/text.h"
#include "controlplane/revisions/credential_source.h"
#include "controlplane/revisions/snapshot_builder.h"

namespace chain429 {

const Catalogue& KnownKinds() {
  static const Catalogue* const kinds = [] {
    absl::StatusOr<Catalogue> parsed = Catalogue::Parse({
        {"openai.yaml", "kind: openai\npool_scope: group\npool_per_credential: true\n"},
        {"local.yaml",
         "kind: local\nextends: openai\nbase_url: http://127.0.0.1:8000/v1\npool_scope: group\npool_per_credential: "
         "true\n"},
        {"groq.yaml",
         "kind: groq\nextends: openai\nbase_url: https://groq.example/openai/v1\npool_scope: model\n"
         "windows: {rpd: {kind: bucket}}\n"
         "limits: {rpm: 30, rpd: 1000}\n"
         "models:\n"
         "  openai/gpt-oss-120b: {canonical: gpt-oss-120b, aliases: [oss-big], context: 131072, limits: {rpm: 20, tpm: "
         "8000}}\n"
         "  openai/gpt-oss-20b: {canonical: gpt-oss-20b, context: 65536}\n"},
        {"slow.yaml", "kind: slow\nextends: openai\nbase_url: https://slow.example/v1\nfirst_token: 180s\n"},
        {"cerebras.yaml",
         "kind: cerebras\nextends: openai\nbase_url: https://cerebras.example/v1\npool_scope: model\n"
         "models: {gpt-oss-120b: {canonical: gpt-oss-120b, context: 8192}}\n"},
        {"router.yaml",
         "kind: router\nextends: openai\nbase_url: https://router.example/api/v1\npool_scope: free_models\n"
         "limits: {rpm: 20, rpd: 50}\n"
         "models: {'m:free': {canonical: m}, paid: {}}\n"},
        {"account.yaml",
         "kind: account\nextends: openai\nbase_url: https://account.example/v1\npool_scope: group\n"
         "limits: {rpm: 40}\n"
         "models: {big: {canonical: big, limits: {rpm: 4, tpm: 900}}, small: {canonical: small}}\n"},
        {"metered.yaml",
         "kind: metered\nextends: openai\nbase_url: https://metered.example/v1\npool_scope: group\n"
         "charge: {tokens: up_front, default_output: 100}\n"
         "models: {priced: {credits: {request: 1}}, known: {credits: {request: 7}}, other: {credits: {}}}\n"},
        {"pacific.yaml",
         "kind: pacific\nextends: openai\nbase_url: https://pacific.example/v1\npool_scope: model\n"
         "windows: {rpd: {kind: fixed, anchor: \"00:00\", zone: America/Los_Angeles}}\n"
         "limits: {rpd: 20}\n"},
    });
    EXPECT_TRUE(parsed.ok()) << parsed.status();
    CHAIN429_CHECK(parsed.ok());
    return new Catalogue(*std::move(parsed));
  }();
  return *kinds;
}

ZoneAnswer KnownZones(std::string_view zone) {
  return zone == "UTC" || zone == "America/Los_Angeles" ? ZoneAnswer::kKnown : ZoneAnswer::kUnknown;
}

Environment FakeWorld::environment() {
  Environment out;
  out.variable = [this](const std::string& name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional<std::string>(found->second);
  };
  out.file = [this](const std::string& path, size_t limit) -> absl::StatusOr<std::string> {
    ++reads;
    const auto found = files.find(path);
    if (found == files.end()) return absl::UnavailableError("No such file or directory");
    if (found->second.size() > limit) return absl::OutOfRangeError(absl::StrCat("it is longer than ", limit, " bytes"));
    return found->second;
  };
  return out;
}

Built Build(const std::string& text, FakeWorld& world, Version version) {
  Built built;
  ConfigProblems problems;
  const auto parsed = ParseConfig(text, "c.yaml", KnownKinds(), KnownZones, problems);
  if (parsed != nullptr) {
    const ResolvedSecrets secrets = ResolveSecrets(parsed->config, world.environment(), problems);
    built.snapshot = BuildSnapshot(*parsed, KnownKinds(), secrets, version, problems);
    EXPECT_EQ(built.snapshot == nullptr, !problems.ok());
  }
  built.problems = FormatProblems("c.yaml", problems.Sorted());
  return built;
}

Built Build(const std::string& text) {
  FakeWorld world;
  world.variables = {
      {"K1", "key-one-11111"}, {"K2", "key-two-22222"}, {"K3", "key-three-333"}, {"K4", "key-four-4444"}};
  Built built = Build(text, world);
  EXPECT_NE(built.snapshot, nullptr) << built.problems;
  CHAIN429_CHECK(built.snapshot != nullptr);
  EXPECT_EQ(built.problems, "");
  return built;
}

const Pool* Built::PoolOf(const std::string& key) const {
  const auto found =
      std::find_if(snapshot->pools.begin(), snapshot->pools.end(), [&](const Pool& pool) { return pool.key == key; });
  return found == snapshot->pools.end() ? nullptr : &*found;
}

const Provider& Built::ProviderOf(const std::string& name) const {
  return snapshot->providers.at(snapshot->provider_by_name.at(name));
}

const Chain& Built::ChainOf(const std::string& name) const {
  return snapshot->chains.at(snapshot->chain_by_name.at(name));
}

const Target& Built::TargetOf(const std::string& chain, size_t index) const {
  return snapshot->targets.at(ChainOf(chain).targets.at(index));
}

std::vector<std::string> Built::Targets(const std::string& chain) const {
  std::vector<std::string> out;
  for (const uint32_t index : ChainOf(chain).targets) {
    const Target& target = snapshot->targets[index];
    out.push_back(absl::StrCat(target.name, " of ", target.group, " with ", absl::StrJoin(target.credentials, ",")));
  }
  return out;
}

std::vector<std::string> Built::PoolKeys(const Target& target) const {
  std::vector<std::string> keys;
  keys.reserve(target.pools.size());
  for (const PoolId id : target.pools) keys.push_back(snapshot->pools.at(snapshot->pool_by_id.at(id.value())).key);
  return keys;
}

LimitTexts Built::Limits(const std::string& key) const {
  const Pool* pool = PoolOf(key);
  return pool == nullptr ? LimitTexts{"none"} : Describe(pool->limits);
}

std::string Describe(const Limit& limit) {
  constexpr const char* kWho[] = {"configured", "catalogue", "stated", "inferred"};
  const std::string who = kWho[static_cast<int>(limit.provenance)];
  std::string text = absl::StrCat(limit.amount, " ", ToAbsl(UnitName(limit.unit)));
  if (limit.unit == Unit::kConcurrency) return absl::StrCat(text, ", ", who);
  constexpr const char* kKinds[] = {" sliding", " fixed", " bucket"};
  absl::StrAppend(&text, " per ", chain429::FormatDuration(limit.window.length),
                  kKinds[static_cast<int>(limit.window.kind)]);
  if (limit.window.kind == WindowKind::kFixed) {
    absl::StrAppend(&text, " at ", chain429::FormatDuration(limit.window.anchor), " ", limit.window.zone);
  }
  return absl::StrCat(text, ", ", who);
}

LimitTexts Describe(const std::vector<Limit>& limits) {
  LimitTexts out;
  for (const Limit& limit : limits) out.insert(Describe(limit));
  return out;
}

}  // namespace chain429
