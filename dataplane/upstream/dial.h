#pragma once

#include <string>

#include "dataplane/net/connection.h"
#include "dataplane/net/deadline.h"
#include "dataplane/net/resolver.h"
#include "dataplane/net/tls.h"
#include "dataplane/upstream/upstream_pool.h"

namespace chain429 {

// What making connections needs; all of one worker.
struct DialContext {
  boost::asio::io_context& io;
  Resolver& resolver;
  DeadlineQueue& deadlines;
  const TlsClientContext* tls;
};

// One try to reach a host: its addresses one after the other, each whole (TCP, then TLS), within one deadline.
class Dial final : public Deadline {
 public:
  Dial(DialContext context, UpstreamHost* host, MonoTime until) : context_(context), host_(host), until_(until) {}

  // Null: error() says why, timed_out() whether the deadline was it. Run once.
  Task<ConnectionPtr> Run();
  // Run without the look-up, for addresses that are known.
  Task<ConnectionPtr> Reach(Resolved resolved);
  // Ends Run soon, without a connection.
  void Cancel();

  const std::string& error() const { return error_; }
  bool timed_out() const { return timed_out_; }
  void OnDeadline() override;

 private:
  DialContext context_;
  UpstreamHost* host_;
  MonoTime until_;
  ConnectionPtr current_;
  std::string error_;
  bool timed_out_ = false;
  bool cancelled_ = false;
};

}  // namespace chain429
