#pragma once

#include <string_view>

#include "common/model/snapshot.h"

namespace chain429 {

struct AuthResult {
  bool allowed = false;
  const ClientKey* key = nullptr;  // null where none is asked for
};

// Judges an Authorization field's value. Keys are compared as SHA-256, all of them each time, in constant time.
AuthResult Authenticate(const Snapshot& snapshot, std::string_view authorization);

bool MayUse(const ClientKey* key, std::string_view chain);

}  // namespace chain429
