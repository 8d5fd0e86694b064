#pragma once

#include <cstdint>
#include <memory>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "dataplane/admin/worker_counters.h"
#include "dataplane/http/answer_scan.h"
#include "dataplane/http/body_scan.h"
#include "dataplane/net/deadline.h"
#include "dataplane/permits/desk.h"
#include "dataplane/request/request_log.h"
#include "dataplane/request/route_table.h"
#include "dataplane/upstream/dial.h"

namespace chain429 {

class TlsServerContext;

// Told whenever the desk may have mail, or a nearer deadline.
class MailClerk {
 public:
  virtual ~MailClerk() = default;
  virtual void OnDeskChanged() = 0;
};

// What the request path uses of its worker. All of it belongs to the worker's loop.
struct WorkerContext {
  DialContext dial;
  const Clock& clock;
  const Logger& logger;
  UpstreamPool& upstreams;
  PermitDesk& desk;
  MailClerk& clerk;
  WorkerCounters& counters;
  BodyScanner& body_scanner;
  AnswerScanner& answer_scanner;
  std::shared_ptr<RouteTable> routes;   // of the newest snapshot; null before the first
  bool draining = false;                // answers say "Connection: close"
  bool stopping = false;                // sessions end after the answer under way
  uint64_t id_prefix = 0;               // random per process and worker: makes request ids unique
  uint64_t requests = 0;
  size_t max_body_bytes = size_t{32} << 20;
  const TlsServerContext* tls = nullptr;  // of the listener; null: plain HTTP
  RequestLog* log = nullptr;            // never null once the worker runs
  uint64_t spans = 0;                   // ids of our hops in traces, so far

  DeadlineQueue& deadlines() { return dial.deadlines; }
  MonoTime now() const { return clock.Read().mono; }
};

// Something that waits on behalf of a client and can be told that the client has gone.
class Interruptible {
 public:
  virtual ~Interruptible() = default;
  // Makes the wait end soon; called on the worker's loop, never from within the wait itself.
  virtual void Interrupt() = 0;
};

}  // namespace chain429
