#pragma once

#include <string>

#include "absl/status/status.h"
#include "common/io/address.h"

namespace chain429 {

// Makes sure that `address` can be listened on, and gives it a free port where it asks for port 0. The error names what
// the port is for and the flag that chooses another. The port is free when this returns, not reserved.
absl::Status ClaimPort(const std::string& what, const std::string& flag, SocketAddress& address);

// Somebody listens there. Of loopback and local addresses only: it does not wait.
bool IsListening(const SocketAddress& address);

// Where a program on this host reaches a listener: loopback for one that listens everywhere.
SocketAddress ReachableFromHere(SocketAddress address);

}  // namespace chain429
