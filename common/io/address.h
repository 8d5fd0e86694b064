#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace chain429 {

// A host and port as people write them on command lines. `host` carries no brackets; it is an IP literal or a name.
struct SocketAddress {
  std::string host;
  uint16_t port = 0;

  // "127.0.0.1:80", "[::1]:80".
  std::string ToString() const;
  // 127.0.0.0/8, ::1, and the name "localhost". Other names are not looked up, hence not loopback.
  bool IsLoopback() const;
  // 0.0.0.0 and ::, as only a listener may have.
  bool IsWildcard() const;
  friend bool operator==(const SocketAddress&, const SocketAddress&) = default;
};

// "127.0.0.1:4290", "[::1]:4290", "control:4292". The error says what is wrong and how to write it.
absl::StatusOr<SocketAddress> ParseSocketAddress(std::string_view text);

// As above, but an address that a listener can bind: an IP literal or "localhost" (which becomes 127.0.0.1). Port 0
// asks the system for a free one.
absl::StatusOr<SocketAddress> ParseListenAddress(std::string_view text);

}  // namespace chain429
