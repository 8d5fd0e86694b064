#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "common/provider/catalogue.h"

namespace chain429 {

// A model server on this host that answered. Points into the catalogue.
struct LocalServer {
  const CatalogueEntry* entry = nullptr;
  std::string base_url;
  std::vector<std::string> models;  // at most kMostLocalModels
};

inline constexpr size_t kMostLocalModels = 3;

// The kinds that are looked for, each at its base_url.
std::vector<const CatalogueEntry*> LocalKinds(const Catalogue& catalogue);

// Asks all of them for their models at once; returns after `timeout` at the latest.
std::vector<LocalServer> FindLocalServers(const Catalogue& catalogue, absl::Duration timeout);

// The models that can chat in an answer to GET /v1/models. Empty: no such answer, or a gateway of this kind itself,
// which would be called in a circle.
std::vector<std::string> ReadModelList(std::string_view body);

}  // namespace chain429
