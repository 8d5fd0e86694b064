#include "common/config/header_schema.h"

#include <algorithm>
#include <array>
#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/base/text.h"
#include "common/config/secrecy.h"

namespace chain429 {
namespace {

constexpr size_t kLongestName = 128;
constexpr size_t kLongestValue = 4096;

bool IsTokenCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

bool IsFieldName(std::string_view name) {
  return !name.empty() && name.size() <= kLongestName && std::all_of(name.begin(), name.end(), IsTokenCharacter);
}

bool IsFieldValue(std::string_view value) {
  return value.size() <= kLongestValue && TrimSpace(value).size() == value.size() &&
         std::all_of(value.begin(), value.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
}

// Why this header cannot be configured; empty: it can.
std::string_view Objection(std::string_view lower) {
  constexpr std::array<std::string_view, 12> kFraming = {
      "connection", "content-length", "expect",  "host", "http2-settings",   "keep-alive",
      "te",         "trailer",        "upgrade", "via",  "proxy-connection", "transfer-encoding"};
  constexpr std::array<std::string_view, 4> kOurs = {"accept", "accept-encoding", "content-encoding", "content-type"};
  constexpr std::array<std::string_view, 3> kKeys = {"authorization", "cookie", "proxy-authorization"};
  const auto in = [&](const auto& names) { return std::find(names.begin(), names.end(), lower) != names.end(); };
  if (in(kFraming)) return "this header belongs to the connection and cannot be set";
  if (in(kOurs)) return "the proxy sets this header itself";
  if (in(kKeys)) return "keys belong under credentials, where they are never shown";
  if (lower.starts_with("x-429chain-")) return "x-429chain- headers are the proxy's own";
  return {};
}

}  // namespace

std::vector<Header> ReadHeaders(ConfigFields& parent) {
  std::vector<Header> headers;
  const ConfigMember* section = parent.Take("headers");
  if (section == nullptr) return headers;
  const ValueReader& read = parent.read();
  ConfigPlace place = parent.place().Key(*section);
  place.secret = true;
  if (!read.IsMapping(section->value, place)) return headers;
  std::set<std::string> seen;
  for (const ConfigMember& member : section->value.members) {
    const std::string lower = LowerAscii(member.key);
    const ConfigPlace header = IsFieldName(member.key) && !LooksLikeKey(member.key) ? place.Key(member) : place;
    if (!IsFieldName(member.key)) {
      read.Error(member.key_at, header, "not a header's name");
    } else if (const std::string_view objection = Objection(lower); !objection.empty()) {
      read.Error(member.key_at, header, objection);
    } else if (!seen.insert(lower).second) {
      read.Error(member.key_at, header, "this header is there twice");
    }
    const std::optional<std::string> value = read.String(member.value, header);
    if (!value) continue;
    if (!IsFieldValue(*value)) {
      read.Error(member.value.at, header,
                 "not a header's value: printable ASCII in one line, without blanks around it");
      continue;
    }
    headers.push_back({member.key, *value});
  }
  return headers;
}

}  // namespace chain429
