#include "controlplane/ctl/init/local_servers.h"

#include <algorithm>
#include <future>

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "common/base/text.h"
#include "common/config/base_url.h"
#include "common/io/http_client.h"

namespace chain429 {
namespace {

constexpr size_t kLargestAnswer = size_t{1} << 20;
constexpr size_t kLongestName = 256;

bool IsUsable(const std::string& name) {
  return !name.empty() && name.size() <= kLongestName && name == TrimSpace(name) &&
         std::all_of(name.begin(), name.end(), [](char c) { return c >= 0x20 && c < 0x7f; }) &&
         LowerAscii(name).find("embed") == std::string::npos;
}

std::vector<std::string> AskForModels(const Endpoint& endpoint, absl::Duration timeout) {
  HttpCall call;
  call.address = {endpoint.host, endpoint.port};
  call.target = absl::StrCat(endpoint.path, "/models");
  call.timeout = timeout;
  call.max_body_bytes = kLargestAnswer;
  const auto answer = CallHttp(call);
  return answer.ok() && answer->status == 200 ? ReadModelList(answer->body) : std::vector<std::string>();
}

}  // namespace

std::vector<const CatalogueEntry*> LocalKinds(const Catalogue& catalogue) {
  std::vector<const CatalogueEntry*> kinds;
  for (const std::string& kind : catalogue.Kinds()) {
    const CatalogueEntry* entry = catalogue.Find(kind);
    if (entry->setup && entry->setup->plan == Plan::kLocal) kinds.push_back(entry);
  }
  return kinds;
}

std::vector<LocalServer> FindLocalServers(const Catalogue& catalogue, absl::Duration timeout) {
  struct Question {
    const CatalogueEntry* entry;
    std::future<std::vector<std::string>> models;
  };
  std::vector<Question> questions;
  for (const CatalogueEntry* entry : LocalKinds(catalogue)) {
    absl::StatusOr<Endpoint> endpoint = ParseBaseUrl(entry->base_url);
    if (!endpoint.ok() || endpoint->tls) continue;
    questions.push_back({entry, std::async(std::launch::async, AskForModels, *std::move(endpoint), timeout)});
  }
  std::vector<LocalServer> servers;
  for (Question& question : questions) {
    std::vector<std::string> models = question.models.get();
    if (!models.empty()) servers.push_back({question.entry, question.entry->base_url, std::move(models)});
  }
  return servers;
}

std::vector<std::string> ReadModelList(std::string_view body) {
  std::vector<std::string> models;
  const auto json = nlohmann::json::parse(body, nullptr, /*allow_exceptions=*/false);
  const auto data = json.is_object() ? json.find("data") : json.end();
  if (!json.is_object() || data == json.end() || !data->is_array()) return models;
  for (const nlohmann::json& item : *data) {
    if (!item.is_object()) continue;
    const auto id = item.find("id");
    const auto owner = item.find("owned_by");
    if (owner != item.end() && *owner == "429chain") return {};
    if (id == item.end() || !id->is_string()) continue;
    const auto name = id->get<std::string>();
    if (IsUsable(name) && models.size() < kMostLocalModels) models.push_back(name);
  }
  return models;
}

}  // namespace chain429
