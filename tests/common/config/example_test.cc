#include "gtest/gtest.h"

#include "tests/common/config/catalogue_for_tests.h"

namespace chain429 {
namespace {

// The schema's example as documented, without what is not supported yet: stored secrets, tiers, nodes, prices.
constexpr std::string_view kExample = R"(version: 1
auth:
  client_keys: [{name: app, env: CHAIN429_API_KEY, chains: [coding]}]   # clients of the proxy; none: loopback only
providers:
  groq:
    kind: groq                               # from the catalogue
    credentials:
      - {name: main, env: GROQ_API_KEY}
      - {name: team2, file: /run/secrets/groq2, pool: other-org}
      - {name: own, proxy_env: GROQ_KEY}
  cerebras: {kind: cerebras, credentials: [{name: main, env: CEREBRAS_API_KEY}]}
  local:
    kind: openai                             # any OpenAI-compatible server
    base_url: http://127.0.0.1:8000/v1
    headers: {x-team: a}
    limits: {rpm: 60, rpd: 5000, tpm: 100000, tpd: 2000000, concurrency: 4}
    windows: {rpd: {kind: fixed, anchor: "00:00", zone: America/Los_Angeles}}
    tokens: p95
    when_disconnected: share
    models: {my-model: {limits: {rpm: 10}, context: 32768, canonical: gpt-oss-120b}}
    enabled: true
chains:
  coding:
    aliases: [gpt-4o, gpt-4o-mini]
    targets:
      - {provider: groq, model: openai/gpt-oss-120b}
      - {provider: cerebras, model: gpt-oss-120b, enabled: true}
      - {model: gpt-oss-120b}
      - {chain: fallback}
    routing: ordered
    max_attempts: 8
    timeouts: {connect: 3s, first_token: 60s, idle: 60s, total: 10m}
    wait: 0s
    on_stream_break: error
    cache: {ttl: 0s}
  fallback: {targets: [{provider: local, model: spare}]}
default_chain: coding
webhooks: []
log: {level: info, format: json, file: null, rotate_mb: 100, keep: 5, bodies: "off"}
)";

TEST(Example, OfTheSchemaLoads) {
  const ParseOutcome outcome = ParseForTests(kExample);
  ASSERT_NE(outcome.parsed, nullptr) << outcome.text;
  EXPECT_EQ(outcome.text, "");
  EXPECT_EQ(outcome.parsed->chains[0].targets.size(), 4u);
}

TEST(Example, LoadsWithTheBuiltinCatalogue) {
  absl::StatusOr<Catalogue> builtin = Catalogue::Builtin();
  ASSERT_TRUE(builtin.ok()) << builtin.status();
  ConfigProblems problems;
  EXPECT_NE(ParseConfig(kExample, "c.yaml", *builtin, ZonesForTests, problems), nullptr)
      << FormatProblems("c.yaml", problems.Sorted());
}

}  // namespace
}  // namespace chain429
