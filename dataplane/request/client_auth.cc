#include "dataplane/request/client_auth.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include <algorithm>

#include "common/base/text.h"

namespace chain429 {

AuthResult Authenticate(const Snapshot& snapshot, std::string_view authorization) {
  if (!snapshot.auth_required) return {true, nullptr};
  constexpr std::string_view kScheme = "bearer ";
  if (authorization.size() <= kScheme.size() || !EqualsIgnoreCase(authorization.substr(0, kScheme.size()), kScheme))
    return {};
  const std::string_view shown = TrimSpace(authorization.substr(kScheme.size()));
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(shown.data()), shown.size(), digest);
  AuthResult result;
  for (const ClientKey& key : snapshot.client_keys) {
    if (key.sha256.size() == sizeof digest && CRYPTO_memcmp(key.sha256.data(), digest, sizeof digest) == 0)
      result = {true, &key};
  }
  return result;
}

bool MayUse(const ClientKey* key, std::string_view chain) {
  return key == nullptr || key->chains.empty() ||
         std::find(key->chains.begin(), key->chains.end(), chain) != key->chains.end();
}

}  // namespace chain429
