#include "dataplane/http/escapes.h"

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace chain429 {
namespace {

enum class Escape : uint8_t { kNone, kPlain, kUnicode };

constexpr std::array<Escape, 256> kEscapes = [] {
  std::array<Escape, 256> escapes{};
  for (const char c : {'"', '\\', '/', 'b', 'f', 'n', 'r', 't'})
    escapes[static_cast<unsigned char>(c)] = Escape::kPlain;
  escapes['u'] = Escape::kUnicode;
  return escapes;
}();

bool IsHex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

Escape EscapeAt(std::string_view text, size_t at) {
  return at + 1 < text.size() ? kEscapes[static_cast<unsigned char>(text[at + 1])] : Escape::kNone;
}

// `at` is a backslash.
inline bool IsEscape(std::string_view text, size_t at) {
  const Escape escape = EscapeAt(text, at);
  if (escape == Escape::kPlain) [[likely]]
    return true;
  return escape == Escape::kUnicode && at + 6 <= text.size() && IsHex(text[at + 2]) && IsHex(text[at + 3]) &&
         IsHex(text[at + 4]) && IsHex(text[at + 5]);
}

constexpr size_t kBlock = 64;

// Bit i: byte i of the block is a backslash.
uint64_t Backslashes(const char* block) {
#ifdef __SSE2__
  const auto sixteen = [block](int i) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(block) + i);
    return static_cast<uint64_t>(static_cast<uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\')))));
  };
  return sixteen(0) | sixteen(1) << 16 | sixteen(2) << 32 | sixteen(3) << 48;
#else
  uint64_t mask = 0;
  if (std::memchr(block, '\\', kBlock) == nullptr) return mask;
  for (size_t i = 0; i < kBlock; ++i) mask |= static_cast<uint64_t>(block[i] == '\\') << i;
  return mask;
#endif
}

}  // namespace

// Prompts hold an escape every few dozen bytes (quotes, line ends), so that a search for each of them would cost more
// than all the rest of the body's scan. One mask per block finds them all.
bool EscapesAreValid(std::string_view text) {
  bool escaped = false;  // the next block's first byte belongs to an escape
  size_t at = 0;
  for (; at + kBlock <= text.size(); at += kBlock) {
    uint64_t mask = Backslashes(text.data() + at);
    if (escaped) mask &= ~uint64_t{1};
    escaped = false;
    while (mask != 0) {
      const int i = std::countr_zero(mask);
      if (!IsEscape(text, at + static_cast<size_t>(i))) return false;
      escaped = i == kBlock - 1;
      mask &= ~(uint64_t{3} << i);
    }
  }
  for (at += escaped ? 1 : 0; at < text.size(); ++at) {
    if (text[at] != '\\') continue;
    if (!IsEscape(text, at)) return false;
    ++at;
  }
  return true;
}

}  // namespace chain429
