#include "controlplane/ctl/up/banner.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "controlplane/ctl/terminal.h"
#include "controlplane/ctl/up/key_config.h"

namespace chain429 {
namespace {

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
  std::string out = "    ";
  for (const char c : text) {
    out.push_back(c);
    if (c == '\n') out.append("    ");
  }
  return out;
}

// The default address needs no flag.
std::string ControlFlag(const BannerFacts& facts) {
  const std::string address = facts.grpc.ToString();
  return address == "127.0.0.1:4292" ? "" : absl::StrCat(" --control ", address);
}

}  // namespace

std::string Banner(const BannerFacts& facts, bool colour) {
  const auto bold = [colour](const std::string& text) { return Paint(text, Colour::kBold, colour); };
  const std::string base_url = absl::StrCat("http://", facts.api.ToString(), "/v1");
  const std::string ctl = absl::StrCat(facts.ctl_path, ControlFlag(facts));
  std::string out = absl::StrCat("\n", Paint("429chain is ready.", Colour::kGreen, colour), "  Base URL ",
                                 bold(base_url), ", model ", bold(facts.chain), "\n");
  if (facts.demo) {
    absl::StrAppend(&out, "The providers are simulated", facts.traffic ? ", with a request every two seconds" : "",
                    ". To go real, set one of\n", absl::StrJoin(KnownKeyVariables(), ", "), " and start again.\n");
  }
  absl::StrAppend(&out, "\n", bold("Try it"), "\n", Indented(CurlLine(facts, base_url)), "\n");
  absl::StrAppend(&out, "\n", bold("Python"), "\n", Indented(PythonSnippet(facts, base_url)), "\n");
  absl::StrAppend(&out, "\n", bold("JavaScript"), "\n", Indented(JavaScriptSnippet(facts, base_url)), "\n");
  absl::StrAppend(&out, "\n", bold("Look"), "\n    ", ctl, " pools        what each limit has left\n    ", ctl,
                  " status       both planes\n");
  absl::StrAppend(&out, "    http://", facts.admin.ToString(),
                  "/metrics    the proxy's admin port: also /pools, /config_dump, /ready\n");
  absl::StrAppend(&out, "    http://", facts.http.ToString(), "/    the control plane's HTTP port\n");
  absl::StrAppend(&out, "    ", facts.config_file, "    the configuration\n\nCtrl-C stops everything.\n\n");
  return out;
}

}  // namespace chain429
