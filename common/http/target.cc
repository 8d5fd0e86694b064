#include "common/http/target.h"

#include <algorithm>

#include "common/base/hex.h"

namespace chain429 {
namespace {

std::optional<std::string> Decode(std::string_view text, bool plus_is_blank) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus_is_blank) {
      out.push_back(' ');
    } else if (text[i] != '%') {
      out.push_back(text[i]);
    } else {
      const int high = i + 2 < text.size() ? HexDigit(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? HexDigit(text[i + 2]) : -1;
      if (high < 0 || low < 0) return std::nullopt;
      const int value = high * 16 + low;
      if (value < 0x20 || value == 0x7F) return std::nullopt;
      out.push_back(static_cast<char>(value));
      i += 2;
    }
  }
  return out;
}

}  // namespace

std::optional<std::string> PercentDecode(std::string_view text) { return Decode(text, /*plus_is_blank=*/false); }

std::optional<DecodedTarget> DecodeTarget(std::string_view target) {
  if (!target.starts_with('/')) return std::nullopt;
  const size_t mark = target.find('?');
  std::optional<std::string> path = PercentDecode(target.substr(0, mark));
  if (!path) return std::nullopt;
  DecodedTarget out{*std::move(path), {}};
  std::string_view rest = mark == std::string_view::npos ? std::string_view() : target.substr(mark + 1);
  while (!rest.empty()) {
    const std::string_view item = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(rest.size(), item.size() + 1));
    if (item.empty()) continue;
    const size_t equals = item.find('=');
    const bool bare = equals == std::string_view::npos;
    std::optional<std::string> key = Decode(item.substr(0, equals), /*plus_is_blank=*/true);
    std::optional<std::string> value = Decode(bare ? "" : item.substr(equals + 1), /*plus_is_blank=*/true);
    if (!key || !value) return std::nullopt;
    out.query.emplace_back(*std::move(key), *std::move(value));
  }
  return out;
}

}  // namespace chain429
