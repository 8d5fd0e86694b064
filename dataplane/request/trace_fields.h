#pragma once

#include <cstdint>
#include <string>

#include "common/http/head.h"
#include "common/model/snapshot.h"

namespace chain429 {

// The trace that a request belongs to; empty: the client sent none that is valid, and none is made up.
struct Trace {
  std::string id;
  bool sampled = false;

  void Read(const RequestHead& head);
};

// The fields that carry a trace to the provider: the same trace with `span` as its new parent, and the client's
// tracestate as it came. Nothing where the configuration sets these fields itself, or there is no trace.
void AppendTraceFields(std::string& out, const Trace& trace, const RequestHead& head, const Provider& provider,
                       uint64_t span);

}  // namespace chain429
