#pragma once

#include <vector>

#include "common/base/secret.h"
#include "common/config/config.h"
#include "common/config/problem.h"
#include "controlplane/revisions/environment.h"

namespace chain429 {

struct ResolvedCredential {
  Secret key;           // empty: missing, or resolved by each proxy itself
  bool usable = false;  // there is a key, or a proxy will look for one
  friend bool operator==(const ResolvedCredential&, const ResolvedCredential&) = default;
};

struct ResolvedSecrets {
  std::vector<std::vector<ResolvedCredential>> credentials;  // parallel to Config::providers and their credentials
  std::vector<Secret> client_keys;                           // parallel to Config::client_keys; empty: missing
  friend bool operator==(const ResolvedSecrets&, const ResolvedSecrets&) = default;
};

// Reads what `config` names. One line break at a file's end is dropped. A secret that is missing, empty or could not
// stand in an HTTP header is disabled with a warning that names the variable or file, never the contents. Secrets of
// disabled providers are not looked for.
ResolvedSecrets ResolveSecrets(const Config& config, const Environment& environment, ConfigProblems& problems);

// The files that ResolveSecrets reads.
std::vector<std::string> SecretFiles(const Config& config);

}  // namespace chain429
