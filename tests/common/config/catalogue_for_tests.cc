#include "tests/common/config/catalogue_for_tests.h"

#include "common/base/log.h"
#include "gtest/gtest.h"

namespace chain429 {

const Catalogue& CatalogueForTests() {
  static const Catalogue* const kCatalogue = [] {
    absl::StatusOr<Catalogue> parsed = Catalogue::Parse({
        {"openai.yaml", "kind: openai\ntitle: OpenAI-compatible\npool_scope: group\n"},
        {"groq.yaml",
         "kind: groq\ntitle: Groq\nextends: openai\nbase_url: https://api.groq.com/openai/v1\npool_scope: model\n"
         "windows: {rpd: {kind: bucket}}\n"
         "limits: {rpm: 30, rpd: 1000}\n"
         "models:\n"
         "  openai/gpt-oss-120b: {canonical: gpt-oss-120b, aliases: [oss-big], context: 131072, limits: {rpm: 20, tpm: "
         "8000}}\n"
         "  openai/gpt-oss-20b: {canonical: gpt-oss-20b, context: 131072}\n"},
        {"cerebras.yaml",
         "kind: cerebras\ntitle: Cerebras\nextends: openai\nbase_url: https://api.cerebras.ai/v1\npool_scope: model\n"
         "models:\n  gpt-oss-120b: {canonical: gpt-oss-120b}\n"},
        {"router.yaml",
         "kind: router\ntitle: Router\nextends: openai\nbase_url: https://router.example/api/v1\npool_scope: "
         "free_models\n"
         "limits: {rpm: 20, rpd: 50}\n"
         "models:\n  m:free: {canonical: m}\n"},
        {"pacific.yaml",
         "kind: pacific\ntitle: Pacific\nextends: openai\nbase_url: https://pacific.example/v1\npool_scope: group\n"
         "windows: {rpd: {kind: fixed, anchor: \"00:00\", zone: America/Los_Angeles}}\n"},
        {"neurons.yaml",
         "kind: neurons\ntitle: Neurons\nextends: openai\nbase_url: https://neurons.example/v1\npool_scope: group\n"
         "models: {small: {credits: {input_per_mtok: 100, output_per_mtok: 300}}, unpriced: {}}\n"},
        {"keyless.yaml",
         "kind: keyless\ntitle: Keyless\nextends: openai\nbase_url: https://keyless.example/v1\npool_scope: "
         "group\nauth: none\n"},
    });
    EXPECT_TRUE(parsed.ok()) << parsed.status();
    CHAIN429_CHECK(parsed.ok());
    return new Catalogue(*std::move(parsed));
  }();
  return *kCatalogue;
}

ZoneAnswer ZonesForTests(std::string_view zone) {
  return zone == "UTC" || zone == "America/Los_Angeles" ? ZoneAnswer::kKnown : ZoneAnswer::kUnknown;
}

ParseOutcome ParseForTests(std::string_view text, std::string_view name) {
  ParseOutcome outcome;
  ConfigProblems problems;
  outcome.parsed = ParseConfig(text, name, CatalogueForTests(), ZonesForTests, problems);
  outcome.problems = problems.Sorted();
  outcome.text = FormatProblems(name, outcome.problems);
  return outcome;
}

}  // namespace chain429
