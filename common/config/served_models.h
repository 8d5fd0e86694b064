#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/config/config.h"
#include "common/provider/catalogue.h"

namespace chain429 {

// Which configured providers serve a model by its canonical name or an alias of it: by their own `models:`, else by the
// catalogue.
class ServedModels {
 public:
  struct Served {
    size_t provider = 0;  // index into Config::providers
    std::string model;  // what that provider calls it
  };

  ServedModels(const Config& config, const Catalogue& catalogue);

  // In file order; disabled providers too.
  const std::vector<Served>& Find(std::string_view name) const;
  // Every name that Find knows, sorted.
  std::vector<std::string> Names() const;

 private:
  void Add(const std::string& name, size_t provider, const std::string& model);

  std::map<std::string, std::vector<Served>, std::less<>> by_name_;
};

}  // namespace chain429
