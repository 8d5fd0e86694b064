#include "dataplane/link/credentials.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "common/base/text.h"

namespace chain429 {
namespace {

constexpr size_t kMaxKeyBytes = 16384;

absl::StatusOr<std::string> ReadVariable(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr || *value == '\0')
    return absl::NotFoundError(absl::StrCat("the variable ", name, " is not set"));
  return std::string(value);
}

absl::StatusOr<std::string> ReadKeyFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return absl::NotFoundError(absl::StrCat("the file ", path, " cannot be read"));
  std::string text(kMaxKeyBytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(file.gcount()));
  if (text.size() > kMaxKeyBytes)
    return absl::InvalidArgumentError(absl::StrCat("the file ", path, " is too large for a key"));
  if (text.ends_with('\n')) text.pop_back();
  if (text.ends_with('\r')) text.pop_back();
  if (text.empty()) return absl::NotFoundError(absl::StrCat("the file ", path, " is empty"));
  return text;
}

absl::StatusOr<std::string> ReadKey(const Credential& credential) {
  absl::StatusOr<std::string> key =
      credential.proxy_env.empty() ? ReadKeyFile(credential.proxy_file) : ReadVariable(credential.proxy_env);
  if (!key.ok()) return key;
  const bool clean =
      std::none_of(key->begin(), key->end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
  if (clean) return key;
  return absl::InvalidArgumentError(
      absl::StrCat(credential.proxy_env.empty() ? credential.proxy_file : credential.proxy_env,
                   " holds a control character or line break"));
}

}  // namespace

void ResolveProxyCredentials(Snapshot& snapshot, Logger& log) {
  for (Provider& provider : snapshot.providers) {
    for (Credential& credential : provider.credentials) {
      if (credential.proxy_env.empty() && credential.proxy_file.empty()) continue;
      absl::StatusOr<std::string> key = ReadKey(credential);
      credential.usable = key.ok();
      if (key.ok()) {
        credential.key = Secret(*std::move(key));
      } else {
        log.Warning("credential disabled", {{"provider", provider.name},
                                            {"credential", credential.name},
                                            {"reason", FromAbsl(key.status().message())}});
      }
    }
  }
}

}  // namespace chain429
