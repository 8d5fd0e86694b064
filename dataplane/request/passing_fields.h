#pragma once

#include "common/http/head.h"
#include "common/model/snapshot.h"

namespace chain429 {

// Whether a field of the client's head goes on to the provider: neither what concerns one connection or the gateway
// alone, nor what the gateway sets itself (host, length, key, trace, the configuration's own headers), nor cookies.
bool PassesUp(const HeaderField& field, const RequestHead& head, const Provider& provider);

// Whether it tells of the limits of the provider's one account, which a client of several would misunderstand. An
// `error` keeps its retry-after.
bool TellsOfLimits(const HeaderField& field, bool error);

// Whether a field of the provider's head goes on to the client.
bool PassesDown(const HeaderField& field, const ResponseHead& head);

}  // namespace chain429
