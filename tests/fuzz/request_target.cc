#include <array>

#include "common/http/target.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/hostile_bytes.h"

namespace chain429::fuzz {
namespace {

std::string Encoded(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    // Control characters that came unescaped are for the head's parser to refuse; they may not come escaped.
    if (byte < 0x20 || byte == 0x7F || byte == '/') {
      out.push_back(c);
    } else {
      out.append({'%', kDigits[byte >> 4], kDigits[byte & 15]});
    }
  }
  return out;
}

void CheckOneInput(std::string_view bytes) {
  const ExactBytes exact(bytes);
  const std::optional<std::string> plain = PercentDecode(exact.view());
  if (plain) {
    FUZZ_ASSERT(plain->size() <= bytes.size());
    FUZZ_ASSERT(PercentDecode(Encoded(*plain)) == plain);
  }
  if (bytes.find('%') == std::string_view::npos) FUZZ_ASSERT(plain == bytes);

  const std::optional<DecodedTarget> target = DecodeTarget(exact.view());
  FUZZ_ASSERT(bytes.starts_with('/') || !target);
  if (!target) return;
  FUZZ_ASSERT(target->path.starts_with('/'));
  // An escaped question mark belongs to the path, an unescaped one ends it.
  std::string again = Encoded(target->path);
  FUZZ_ASSERT(again.find('?') == std::string::npos);
  for (size_t i = 0; i < target->query.size(); ++i) {
    const auto& [key, value] = target->query[i];
    again.append(i == 0 ? "?" : "&").append(Encoded(key)).append("=").append(Encoded(value));
  }
  const std::optional<DecodedTarget> same = DecodeTarget(again);
  FUZZ_ASSERT(same && same->path == target->path && same->query == target->query);
}

}  // namespace
}  // namespace chain429::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  chain429::fuzz::CheckOneInput(chain429::fuzz::Text(data, size));
  return 0;
}
