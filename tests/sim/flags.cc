#include "tests/sim/flags.h"

#include <iostream>
#include <limits>

#include "CLI/CLI.hpp"

namespace chain429::sim {
namespace {

constexpr char kFooter[] = R"(Examples:
  429chain-sim --listen 127.0.0.1:8001 --rpm 30 --headers groq --rpd 1000
      one provider with a sliding limit of 30 requests per minute, in Groq's formats
  429chain-sim --provider fast --provider slow --listen 127.0.0.1:8001 --listen 127.0.0.1:8002 --chunks 20 --chunk-delay 30ms
      two providers, each on a port of its own (with one --listen they share it, as /fast/v1 and /slow/v1)
  429chain-sim --scenario two-providers.yaml --seed 7
      everything else: faults, several limits, keys and accounts; the schema is in tests/sim/README.md

Prints "listening NAME http://ADDRESS:PORT/v1" for each provider, then "ready". Control: http://ADDRESS:PORT/__sim/log,
stats, faults, limits, answer, provider, release, disconnect, reset.)";

// The values of the flags that describe a provider, as a scenario would spell them.
struct ProviderFlags {
  std::vector<std::string> names;
  std::vector<std::string> listens;
  std::vector<std::string> models;
  std::vector<std::string> keys;
  std::map<std::string, int64_t> limits;
  std::string window = "sliding";
  std::string headers = "openai";
  std::string retry_after = "style";
  std::map<std::string, std::string> delays;
  std::string chunks = "5";
  std::string content = "words";
};

Json AsScenario(const ProviderFlags& flags, size_t index) {
  Json provider = {{"name", flags.names[index]},
                   {"style", flags.headers},
                   {"retry_after", flags.retry_after},
                   {"models", flags.models},
                   {"keys", flags.keys}};
  provider["listen"] = flags.listens.size() == 1 ? flags.listens[0] : flags.listens[index];
  Json limits = Json::object();
  for (const auto& [name, limit] : flags.limits) {
    if (limit > 0) limits[name] = limit;
  }
  limits["window"] = flags.window;
  provider["limits"] = limits;
  Json answer = {{"chunks", flags.chunks}, {"content", flags.content}};
  for (const auto& [name, delay] : flags.delays) answer[name] = delay;
  provider["answer"] = answer;
  return provider;
}

absl::StatusOr<Scenario> FromFlags(ProviderFlags flags, int64_t seed) {
  if (flags.names.empty()) flags.names = {"sim"};
  if (flags.listens.empty()) flags.listens = {"127.0.0.1:0"};
  if (flags.listens.size() != 1 && flags.listens.size() != flags.names.size()) {
    return absl::InvalidArgumentError("--listen is given once for all providers, or once for each");
  }
  Document document;
  document.root = {{"seed", seed}, {"providers", Json::array()}};
  for (size_t i = 0; i < flags.names.size(); ++i) document.root["providers"].push_back(AsScenario(flags, i));
  return ReadScenario(document);
}

absl::StatusOr<Scenario> FromFile(const std::string& file, std::optional<int64_t> seed) {
  absl::StatusOr<Document> document = LoadDocument(file);
  if (!document.ok()) return document.status();
  absl::StatusOr<Scenario> scenario = ReadScenario(*document);
  if (scenario.ok() && seed) scenario->seed = static_cast<uint64_t>(*seed);
  return scenario;
}

}  // namespace

CommandLine ReadCommandLine(int argc, char** argv) {
  CLI::App app("Simulated LLM providers with exact rate limits, real formats and scripted faults.", "429chain-sim");
  app.footer(kFooter);
  ProviderFlags flags;
  std::string scenario_file;
  std::optional<int64_t> seed;
  app.add_option("--listen", flags.listens, "ADDRESS:PORT; port 0 takes a free one (default 127.0.0.1:0)");
  app.add_option("--provider", flags.names, "a provider's name; may be repeated (default sim)");
  app.add_option("--scenario", scenario_file, "a YAML or JSON file that describes everything")
      ->check(CLI::ExistingFile);
  app.add_option("--seed", seed, "of everything random (default 1, or the scenario's)")
      ->check(CLI::Range(int64_t{0}, std::numeric_limits<int64_t>::max(), "NONNEGATIVE"));
  for (LimitName name : {LimitName::kRpm, LimitName::kRph, LimitName::kRpd, LimitName::kTpm, LimitName::kTph,
                         LimitName::kTpd, LimitName::kConcurrency}) {
    std::string key(LimitKey(name));
    app.add_option("--" + key, flags.limits[key], "limit; none: unlimited")
        ->check(CLI::Range(int64_t{1}, std::numeric_limits<int64_t>::max(), "POSITIVE"));
  }
  app.add_option("--window", flags.window, "sliding, fixed or bucket")->capture_default_str();
  std::string styles;
  for (const StyleWord& word : StyleWords()) styles += (styles.empty() ? "" : " ") + std::string(word.word);
  app.add_option("--headers", flags.headers, "whose formats: " + styles)->capture_default_str();
  app.add_option("--retry-after", flags.retry_after, "style, none, seconds, float, millis or date")
      ->capture_default_str();
  const std::string delay = "50ms, uniform:10ms:90ms or lognormal:50ms:0.5[:2s]";
  flags.delays = {{"latency", "0s"}, {"ttft", "0s"}, {"chunk_delay", "0s"}};
  app.add_option("--latency", flags.delays["latency"], "before an answer's head: " + delay);
  app.add_option("--ttft", flags.delays["ttft"], "from the head to the first content");
  app.add_option("--chunk-delay", flags.delays["chunk_delay"], "before each further chunk");
  app.add_option("--chunks", flags.chunks, "of a stream: 5, uniform:1:9 or lognormal:50:0.5")->capture_default_str();
  app.add_option("--content", flags.content, "of answers: words, sha256 or echo (of the request's body)")
      ->capture_default_str();
  app.add_option("--model", flags.models, "a model that is served; may be repeated (default: any)");
  app.add_option("--key", flags.keys, "an API key that is accepted; may be repeated (default: any or none)");
  // Repeated options, not lists: "--model a --model b".
  for (const char* repeated : {"--listen", "--provider", "--model", "--key"}) {
    app.get_option(repeated)->expected(1)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  }

  CommandLine result;
  try {
    app.parse(argc, argv);
    // A scenario describes everything, so a flag beside it would do nothing.
    for (const CLI::Option* option : app.get_options()) {
      bool beside = option != app.get_option("--scenario") && option != app.get_option("--seed");
      if (!scenario_file.empty() && beside && option->count() > 0) {
        throw CLI::ExcludesError("--scenario", option->get_name());
      }
    }
  } catch (const CLI::ParseError& error) {
    result.exit_code = app.exit(error);
    return result;
  }
  absl::StatusOr<Scenario> scenario =
      scenario_file.empty() ? FromFlags(flags, seed.value_or(1)) : FromFile(scenario_file, seed);
  if (!scenario.ok()) {
    std::cerr << scenario.status().message() << std::endl;
    result.exit_code = 2;
    return result;
  }
  result.scenario = *std::move(scenario);
  return result;
}

}  // namespace chain429::sim
