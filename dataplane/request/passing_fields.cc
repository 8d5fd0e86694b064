#include "dataplane/request/passing_fields.h"

#include <algorithm>

#include "common/base/text.h"

namespace chain429 {
namespace {

constexpr std::string_view kOurs = "x-429chain";

bool StartsWithIgnoreCase(std::string_view name, std::string_view prefix) {
  return name.size() >= prefix.size() && EqualsIgnoreCase(name.substr(0, prefix.size()), prefix);
}

bool IsOurs(std::string_view name) { return name.size() > kOurs.size() && StartsWithIgnoreCase(name, kOurs); }

bool ConcernsOneConnection(std::string_view name, std::string_view connection) {
  return IsHopByHop(name) || (!connection.empty() && ListedInConnection(connection, name));
}

// Told apart by length first: most fields are none of these.
bool IsSetByUs(std::string_view name) {
  switch (name.size()) {
    case 4:
      return EqualsIgnoreCase(name, "host");
    case 6:
      return EqualsIgnoreCase(name, "cookie") || EqualsIgnoreCase(name, "expect");
    case 9:
      return EqualsIgnoreCase(name, "x-api-key");
    case 10:
      return EqualsIgnoreCase(name, "tracestate");
    case 11:
      return EqualsIgnoreCase(name, "traceparent");
    case 13:
      return EqualsIgnoreCase(name, "authorization");
    case 14:
      return EqualsIgnoreCase(name, "content-length");
    case 15:
      // Answers are looked into, so they must come as they are.
      return EqualsIgnoreCase(name, "accept-encoding");
    default:
      return false;
  }
}

bool IsConfigured(const Provider& provider, std::string_view name) {
  return std::any_of(provider.headers.begin(), provider.headers.end(),
                     [name](const Header& header) { return EqualsIgnoreCase(header.name, name); });
}

}  // namespace

bool PassesUp(const HeaderField& field, const RequestHead& head, const Provider& provider) {
  const std::string_view name = field.name;
  return !IsSetByUs(name) && !IsOurs(name) && !ConcernsOneConnection(name, head.connection) &&
         !IsConfigured(provider, name);
}

bool TellsOfLimits(const HeaderField& field, bool error) {
  const std::string_view name = field.name;
  if (StartsWithIgnoreCase(name, "x-ratelimit-") || StartsWithIgnoreCase(name, "ratelimit")) return true;
  return !error && (EqualsIgnoreCase(name, "retry-after") || EqualsIgnoreCase(name, "retry-after-ms"));
}

bool PassesDown(const HeaderField& field, const ResponseHead& head) {
  const std::string_view name = field.name;
  const bool ours = (name.size() == 12 && EqualsIgnoreCase(name, "x-request-id")) ||
                    (name.size() == 14 && EqualsIgnoreCase(name, "content-length"));
  const bool private_to_us = name.size() == 10 && EqualsIgnoreCase(name, "set-cookie");
  return !ours && !private_to_us && !IsOurs(name) && !ConcernsOneConnection(name, head.connection);
}

}  // namespace chain429
