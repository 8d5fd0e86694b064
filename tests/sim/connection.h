#pragma once

#include "tests/sim/port.h"

namespace chain429::sim {

// Serves one accepted socket until it ends. The connection owns itself; the port must outlive it.
void StartConnection(Socket socket, Port& port);

}  // namespace chain429::sim
