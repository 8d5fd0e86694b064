#pragma once

#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "common/base/random.h"

namespace chain429 {

// A copy of a text in memory of exactly its size (and `padding`): under AddressSanitizer every read beyond it fails.
class ExactBytes {
 public:
  explicit ExactBytes(std::string_view text, size_t padding = 0)
      : size_(text.size()), bytes_(new char[size_ + padding]) {
    if (size_ > 0) std::memcpy(bytes_.get(), text.data(), size_);
    // What stands behind a text in a buffer is anything; here it is what would mislead a scan most.
    if (padding > 0) std::memset(bytes_.get() + size_, '"', padding);
  }
  std::string_view view() const { return {bytes_.get(), size_}; }
  char* data() { return bytes_.get(); }

 private:
  size_t size_;
  std::unique_ptr<char[]> bytes_;
};

// `text` with up to six small wounds: pieces put in, bytes changed, taken out, repeated, the end cut off.
inline std::string Mutate(std::string text, std::span<const std::string_view> pieces, Random& random) {
  for (uint64_t i = 0, count = 1 + random.Below(6); i < count; ++i) {
    const size_t at = random.Below(text.size() + 1);
    switch (random.Below(6)) {
      case 0:
        text.insert(at, pieces[random.Below(pieces.size())]);
        break;
      case 1:
        text.erase(at, random.Below(8));
        break;
      case 2:
        if (at < text.size()) text[at] = static_cast<char>(random.Below(256));
        break;
      case 3:
        text.insert(at, text.substr(random.Below(text.size() + 1), random.Below(40)));
        break;
      case 4:
        if (at < text.size()) text[at] = static_cast<char>(text[at] ^ (1 << random.Below(8)));
        break;
      default:
        if (random.Below(4) == 0) text.resize(at);
        break;
    }
  }
  return text;
}

}  // namespace chain429
