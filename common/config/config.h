#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "common/base/log_settings.h"
#include "common/config/problem.h"
#include "common/model/limit_key.h"
#include "common/model/pool.h"
#include "common/model/snapshot.h"

// A configuration as written, checked and with its places, so that whoever finds something wrong later can say where.
namespace chain429 {

// Amounts by their index in kLimitKeys; absent: no such limit.
using LimitAmounts = std::array<std::optional<int64_t>, kLimitKeys.size()>;
// Windows likewise; absent: the catalogue's, else sliding. Concurrency has none.
using WindowChoices = std::array<std::optional<WindowSpec>, kLimitKeys.size()>;

// Where a secret is to be found. The secret itself is never part of a configuration.
struct SecretSource {
  enum class Kind : uint8_t { kEnv, kFile, kProxyEnv, kProxyFile };
  Kind kind = Kind::kEnv;
  std::string name;  // of the variable, or the file's path
  Position at;
  std::string path;  // "providers.groq.credentials[0].env"
};

// A name that must belong to something else of the configuration.
struct ConfigReference {
  std::string name;
  Position at;
  std::string path;
};

struct ClientKeyConfig {
  std::string name;
  SecretSource source;
  std::vector<ConfigReference> chains;  // empty: all
};

struct CredentialConfig {
  std::string name;
  std::string pool;  // empty: the provider's rule
  SecretSource source;
  LimitAmounts limits;
  Position at;
  std::string path;
};

struct ModelConfig {
  std::string name;
  LimitAmounts limits;
  int64_t context = 0;  // 0: not said
  std::string canonical;
  std::optional<CreditRates> rates;
  Position at;
  std::string path;
};

struct ProviderConfig {
  std::string name;
  std::string kind;
  Endpoint endpoint;
  std::vector<Header> headers;
  std::vector<CredentialConfig> credentials;
  LimitAmounts limits;
  WindowChoices windows;
  std::vector<ModelConfig> models;
  TokenPolicy tokens = TokenPolicy::kP95;
  WhenDisconnected when_disconnected = WhenDisconnected::kShare;
  bool enabled = true;
  Position at;
};

// A line of a chain as written: {provider, model}, {model} or {chain}.
struct TargetConfig {
  ConfigReference provider;
  ConfigReference model;
  ConfigReference chain;
  LimitAmounts limits;
  bool enabled = true;
  Position at;
  std::string path;  // "chains.coding.targets[1]"
};

struct ChainConfig {
  std::string name;
  std::vector<ConfigReference> aliases;
  std::vector<TargetConfig> targets;
  Routing routing = Routing::kOrdered;
  int max_attempts = 8;
  Timeouts timeouts;
  absl::Duration wait = absl::ZeroDuration();
  Position at;
  std::string path;
};

struct Config {
  std::vector<ClientKeyConfig> client_keys;
  std::vector<ProviderConfig> providers;
  std::vector<ChainConfig> chains;
  ConfigReference default_chain;  // empty name: none
  LogSettings log;
};

}  // namespace chain429
