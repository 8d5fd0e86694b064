#pragma once

#include <string>
#include <string_view>

#include "common/model/snapshot.h"

namespace chain429 {

// GET /v1/models in OpenAI's shape: the chains, their aliases, canonical models and targets that `key` may use.
std::string ModelList(const Snapshot& snapshot, const ClientKey* key);
// GET /v1/models/{id}; empty: there is no such model.
std::string ModelObject(const Snapshot& snapshot, const ClientKey* key, std::string_view id);
// "There is no model …; the chains are: a, b, c and 7 more."
std::string UnknownModelMessage(const Snapshot& snapshot, const ClientKey* key, std::string_view model);
// Where only a chain's name or alias will do.
std::string UnknownChainMessage(const Snapshot& snapshot, const ClientKey* key, std::string_view chain);

}  // namespace chain429
