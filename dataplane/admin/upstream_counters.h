#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "dataplane/admin/counters.h"

namespace chain429 {

// Why a connection to a provider could not be made.
enum class ConnectFailure : uint8_t {
  kName,     // the name was not resolved
  kTcp,      // refused, unreachable, reset
  kTls,      // the handshake failed, or the certificate was refused
  kProxy,    // the outbound proxy would not open a tunnel
  kTimeout,  // not in time
  kLimit,    // all connections that the host may have were in use for the whole time
};
inline constexpr std::array<std::string_view, 6> kConnectFailureNames = {"name",  "tcp",     "tls",
                                                                         "proxy", "timeout", "limit"};

// What a worker counts about its connections to providers.
struct UpstreamCounters {
  Counter open;      // being made, in use or idle
  Counter idle;
  Counter waiting;   // attempts that wait because their host has no connection to spare
  Counter connects;  // made so far
  Counter retries;   // a kept-alive connection was dead: one retry on a new one
  std::array<Counter, kConnectFailureNames.size()> failures;
  std::array<Counter, 2> tls_handshakes;  // done so far; [1]: a session was resumed

  void CountFailure(ConnectFailure why) { failures[static_cast<size_t>(why)].Add(); }
};

}  // namespace chain429
