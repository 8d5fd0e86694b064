#pragma once

#include <string>

#include "dataplane/admin/upstream_counters.h"
#include "dataplane/net/connection.h"
#include "dataplane/net/deadline.h"
#include "dataplane/net/resolver.h"
#include "dataplane/net/tls.h"
#include "dataplane/upstream/address_race.h"
#include "dataplane/upstream/upstream_pool.h"

namespace chain429 {

// What making connections needs; all of one worker.
struct DialContext {
  boost::asio::io_context& io;
  Resolver& resolver;
  DeadlineQueue& deadlines;
  const TlsClientContext* tls;
  const Clock& clock;
  UpstreamCounters& counters;
};

// One try to get a connection to a host: its turn if the host has as many as it may, its addresses, the fastest of
// them, all within one deadline.
class Dial {
 public:
  Dial(const DialContext& context, UpstreamHost* host, MonoTime until)
      : context_(context), host_(host), until_(until) {}

  // The connection, whose right to be is `slot`: the caller's if it had one. Null: error() says why, timed_out()
  // whether the deadline was it. Run once.
  Task<ConnectionPtr> Run(UpstreamSlot* slot);
  // The last part of Run, for addresses that are known.
  Task<ConnectionPtr> Reach(Addresses addresses);
  // Ends Run soon, without a connection.
  void Cancel();

  const std::string& error() const { return error_; }
  bool timed_out() const { return timed_out_; }
  // The connection was idle before: it may turn out dead.
  bool reused() const { return reused_; }

 private:
  Task<ConnectionPtr> Wait(UpstreamSlot* slot);
  void Fail(ConnectFailure why, std::string error);

  const DialContext context_;
  UpstreamHost* const host_;
  const MonoTime until_;
  SlotWait* waiting_ = nullptr;
  Resolve* resolving_ = nullptr;
  AddressRace* racing_ = nullptr;
  std::string error_;
  bool timed_out_ = false;
  bool cancelled_ = false;
  bool reused_ = false;
};

}  // namespace chain429
