#include "controlplane/ctl/up/banner.h"

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "controlplane/ctl/terminal.h"

namespace chain429 {
namespace {

std::string BaseUrl(const BannerFacts& facts) { return absl::StrCat("http://", facts.api.ToString(), "/v1"); }

std::string CurlLine(const BannerFacts& facts, const std::string& base_url) {
  const std::string auth = facts.client_key_variable.empty()
                               ? ""
                               : absl::StrCat(" -H \"Authorization: Bearer $", facts.client_key_variable, "\"");
  return absl::StrCat("curl -s ", base_url, "/chat/completions", auth,
                      " -H 'content-type: application/json' \\\n    -d '{\"model\":\"", facts.chain,
                      "\",\"messages\":[{\"role\":\"user\",\"content\":\"Hello\"}]}'");
}

std::string PythonSnippet(const BannerFacts& facts, const std::string& base_url) {
  const std::string key = facts.client_key_variable.empty()
                              ? "\"unused\""
                              : absl::StrCat("os.environ[\"", facts.client_key_variable, "\"]");
  return absl::StrCat(
      facts.client_key_variable.empty() ? "from openai import OpenAI\n" : "import os; from openai import OpenAI\n",
      "client = OpenAI(base_url=\"", base_url, "\", api_key=", key, ")\n",
      "print(client.chat.completions.create(model=\"", facts.chain,
      "\", messages=[{\"role\": \"user\", \"content\": \"Hello\"}]).choices[0].message.content)");
}

std::string JavaScriptSnippet(const BannerFacts& facts, const std::string& base_url) {
  const std::string key =
      facts.client_key_variable.empty() ? "\"unused\"" : absl::StrCat("process.env.", facts.client_key_variable);
  return absl::StrCat("import OpenAI from \"openai\";\n", "const client = new OpenAI({ baseURL: \"", base_url,
                      "\", apiKey: ", key, " });\n", "console.log((await client.chat.completions.create({ model: \"",
                      facts.chain,
                      "\", messages: [{ role: \"user\", content: \"Hello\" }] })).choices[0].message.content);");
}

std::string Indented(const std::string& text) {
  return absl::StrCat("    ", absl::StrReplaceAll(absl::StripSuffix(text, "\n"), {{"\n", "\n    "}}));
}

// The default address needs no flag.
std::string ControlFlag(const BannerFacts& facts) {
  const std::string address = facts.grpc.ToString();
  return address == "127.0.0.1:4292" ? "" : absl::StrCat(" --control ", address);
}

}  // namespace

std::string Banner(const BannerFacts& facts, bool colour) {
  const auto bold = [colour](const std::string& text) { return Paint(text, Colour::kBold, colour); };
  const std::string base_url = BaseUrl(facts);
  const std::string ctl = absl::StrCat(facts.ctl_path, ControlFlag(facts));
  std::string out = absl::StrCat("\n", Paint("429chain is ready.", Colour::kGreen, colour), "  Base URL ",
                                 bold(base_url), ", model ", bold(facts.chain), "\n");
  if (facts.demo) {
    absl::StrAppend(&out, "The providers are simulated", facts.traffic ? ", with a request every two seconds" : "",
                    ". To go real, set one of\n", absl::StrJoin(facts.key_variables, ", "), " and start again;\n",
                    facts.ctl_path, " init says where keys are to be had for nothing.\n");
  }
  if (facts.chains.size() > 1) absl::StrAppend(&out, "Models: ", absl::StrJoin(facts.chains, ", "), "\n");
  if (!facts.free_tiers.empty()) absl::StrAppend(&out, "\n", Indented(facts.free_tiers), "\n");
  absl::StrAppend(&out, "\n", bold("Try it"), "\n", Indented(CurlLine(facts, base_url)), "\n");
  absl::StrAppend(&out, "\n", bold("Python"), "\n", Indented(PythonSnippet(facts, base_url)), "\n");
  absl::StrAppend(&out, "\n", bold("JavaScript"), "\n", Indented(JavaScriptSnippet(facts, base_url)), "\n");
  absl::StrAppend(&out, "\n", bold("Look"), "\n    ", ctl, " pools        what each limit has left\n    ", ctl,
                  " status       both planes\n");
  absl::StrAppend(&out, "    http://", facts.admin.ToString(),
                  "/metrics    the proxy's admin port: also /pools, /config_dump, /ready\n");
  absl::StrAppend(&out, "    http://", facts.http.ToString(), "/    the control plane's HTTP port\n");
  absl::StrAppend(&out, "    ", facts.config_file, "    the configuration\n");
  if (!facts.state_folder.empty())
    absl::StrAppend(&out, "    ", facts.state_folder,
                    "    what outlives a restart: cooldowns, what is used of a day\n");
  absl::StrAppend(&out, "\nCtrl-C stops everything.\n\n");
  return out;
}

std::string BannerJson(const BannerFacts& facts) {
  const nlohmann::ordered_json json = {
      {"base_url", BaseUrl(facts)},       {"model", facts.chain},
      {"chains", facts.chains},           {"client_key_variable", facts.client_key_variable},
      {"control", facts.grpc.ToString()}, {"http", facts.http.ToString()},
      {"admin", facts.admin.ToString()},  {"config", facts.config_file},
      {"state", facts.state_folder},      {"demo", facts.demo}};
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace chain429
