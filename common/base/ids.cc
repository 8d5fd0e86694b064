#include "common/base/ids.h"

namespace chain429 {

uint64_t StableId(std::string_view key) {
  uint64_t hash = 0xcbf29ce484222325u;
  for (const char c : key) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 0x100000001b3u;
  }
  // FNV-1a leaves the high bits of short keys poorly mixed.
  hash ^= hash >> 32;
  hash *= 0x9fb21c651e98df25u;
  hash ^= hash >> 29;
  return hash == 0 ? 1 : hash;
}

}  // namespace chain429
