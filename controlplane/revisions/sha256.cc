#include "controlplane/revisions/sha256.h"

#include <openssl/evp.h>

#include "common/base/log.h"

namespace chain429 {

std::string Sha256(std::string_view data) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  // Fails only when the library itself is broken.
  CHAIN429_CHECK(EVP_Digest(data.data(), data.size(), digest, &size, EVP_sha256(), nullptr) == 1);
  return std::string(reinterpret_cast<const char*>(digest), size);
}

}  // namespace chain429
