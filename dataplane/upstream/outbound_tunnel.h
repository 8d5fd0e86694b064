#pragma once

#include <string>

#include "dataplane/net/connection.h"
#include "dataplane/upstream/outbound_proxy.h"

namespace chain429 {

// On a connection to `proxy`, asks it for a tunnel to `authority` (host:port). Empty: what is written from now on
// reaches that host; else why not.
Task<std::string> OpenTunnel(ConnectionPtr connection, const OutboundProxy* proxy, std::string authority);

}  // namespace chain429
