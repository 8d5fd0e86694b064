#include "controlplane/ctl/up/demo.h"

#include "absl/strings/str_cat.h"

namespace chain429 {

const std::map<std::string, std::string>& DemoKeys() {
  static const auto* keys = new std::map<std::string, std::string>{
      {"groq", "gsk-demo-0123456789"}, {"cerebras", "csk-demo-0123456789"}, {"openrouter", "sk-or-demo-0123456789"}};
  return *keys;
}

std::string DemoScenario() {
  const auto key = [](const char* name) { return DemoKeys().at(name); };
  return absl::StrCat(
      "# Simulated providers of `429ctl up --demo`: they answer, limit and fail like the real ones.\n"
      "seed: 429\n"
      "providers:\n"
      "  - name: groq\n"
      "    listen: 127.0.0.1:0\n"
      "    path: /openai/v1\n"
      "    style: groq\n"
      "    keys: [",
      key("groq"),
      "]\n"
      "    models: [openai/gpt-oss-120b]\n"
      "    limits: {scope: model, rpm: 10, rpd: 1000, tpm: 8000}\n"
      "    answer: {ttft: 120ms, chunk_delay: 15ms, chunks: 24}\n"
      "  - name: cerebras\n"
      "    listen: 127.0.0.1:0\n"
      "    style: cerebras\n"
      "    keys: [",
      key("cerebras"),
      "]\n"
      "    models: [gpt-oss-120b]\n"
      "    limits: {scope: model, rpm: 5, rpd: 2400, tpm: 30000}\n"
      "    answer: {ttft: 80ms, chunk_delay: 8ms, chunks: 24}\n"
      "  - name: openrouter\n"
      "    listen: 127.0.0.1:0\n"
      "    path: /api/v1\n"
      "    style: openrouter\n"
      "    keys: [",
      key("openrouter"),
      "]\n"
      "    models: [openai/gpt-oss-20b:free]\n"
      "    limits: {rpm: 20, rpd: 1000}\n"
      "    answer: {ttft: 300ms, chunk_delay: 25ms, chunks: 24}\n");
}

std::string DemoConfig(const std::map<std::string, std::string>& base_urls, const std::string& key_folder) {
  // A line for `name` with the limits that its simulated account has.
  const auto provider = [&](const std::string& name, const std::string& limits) {
    return absl::StrCat("  ", name, ":\n", "    kind: ", name, "\n", "    base_url: ", base_urls.at(name), "\n",
                        "    credentials: [{name: demo, file: \"", key_folder, "/", name, ".key\"}]\n",
                        "    limits: ", limits, "\n");
  };
  return absl::StrCat(
      "# Written by `429ctl up --demo`. Edit it while the demo runs: a saved change is taken within seconds.\n"
      "version: 1\n"
      "providers:\n",
      provider("groq", "{rpm: 10, rpd: 1000, tpm: 8000}"), provider("cerebras", "{rpm: 5, rpd: 2400, tpm: 30000}"),
      provider("openrouter", "{rpm: 20, rpd: 1000}"),
      "chains:\n"
      "  ",
      kDemoChain,
      ":\n"
      "    targets:\n"
      "      - {provider: groq, model: openai/gpt-oss-120b}\n"
      "      - {provider: cerebras, model: gpt-oss-120b}\n"
      "      - {provider: openrouter, model: \"openai/gpt-oss-20b:free\"}\n"
      "default_chain: ",
      kDemoChain, "\n");
}

}  // namespace chain429
