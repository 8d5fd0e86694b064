#pragma once

#include <functional>
#include <string>
#include <vector>

#include "common/provider/catalogue.h"

namespace chain429 {

// Whether a variable of the environment is set to something.
using HasVariable = std::function<bool(const std::string& name)>;
HasVariable SystemVariables();

// A kind of provider for which there are keys. Points into the catalogue.
struct FoundProvider {
  const CatalogueEntry* entry = nullptr;
  std::vector<std::string> variables;  // that hold its keys; the numbered ones after the plain one
};

// A variable that is set and not used.
struct UnusedVariable {
  std::string name;
  std::string why;
};

struct FoundKeys {
  std::vector<FoundProvider> providers;  // the free ones first, then by name
  std::vector<UnusedVariable> unused;

  std::vector<std::string> Variables() const;
};

// Looks for the variables that hold keys by convention, and for numbered ones beside them (GROQ_API_KEY_2).
FoundKeys FindKeys(const Catalogue& catalogue, const HasVariable& has);

// The kinds that keys can be found for, in the order of FindKeys.
std::vector<const CatalogueEntry*> KindsWithKeys(const Catalogue& catalogue);

}  // namespace chain429
