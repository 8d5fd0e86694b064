#include "dataplane/upstream/dial.h"

#include "absl/strings/str_cat.h"

namespace chain429 {

Task<ConnectionPtr> Dial::Run(UpstreamSlot* slot) {
  if (!*slot) {
    Task<ConnectionPtr> waiting = Wait(slot);
    ConnectionPtr idle = co_await waiting;
    if (idle != nullptr || !*slot || cancelled_) co_return std::move(idle);
  }
  const OutboundProxy* const proxy = host_->proxy();
  Resolve resolve(context_.resolver, proxy != nullptr ? proxy->host : host_->endpoint().host,
                  proxy != nullptr ? proxy->port : host_->endpoint().port, until_);
  resolving_ = &resolve;
  Resolved resolved = co_await resolve;
  resolving_ = nullptr;
  if (resolved.addresses.empty() && !cancelled_) {
    timed_out_ = resolved.timed_out;
    Fail(timed_out_ ? ConnectFailure::kTimeout : ConnectFailure::kName, std::move(resolved.error));
    co_return nullptr;
  }
  Task<ConnectionPtr> reaching = Reach(std::move(resolved.addresses));
  ConnectionPtr connection = co_await reaching;
  co_return connection;
}

Task<ConnectionPtr> Dial::Wait(UpstreamSlot* slot) {
  SlotWait wait(host_->pool(), host_, until_);
  waiting_ = &wait;
  const bool got = co_await wait;
  waiting_ = nullptr;
  *slot = std::move(wait.slot);
  reused_ = wait.connection != nullptr;
  if (!got && cancelled_) {
    error_ = "connecting was given up";
  } else if (!got) {
    timed_out_ = true;
    Fail(ConnectFailure::kLimit,
         absl::StrCat("all ", host_->pool().max_per_host(), " connections to this provider were in use for too long"));
  }
  co_return std::move(wait.connection);
}

Task<ConnectionPtr> Dial::Reach(Addresses addresses) {
  const size_t count = addresses.size();
  AddressRace race({context_.io, context_.deadlines, context_.clock, context_.tls, context_.counters}, host_,
                   OrderToTry(addresses, host_->served_last()), until_);
  ConnectionPtr connection;
  if (!cancelled_) {
    racing_ = &race;
    connection = co_await race;
    racing_ = nullptr;
  }
  if (connection != nullptr) {
    context_.counters.connects.Add();
  } else if (race.timed_out()) {
    timed_out_ = true;
    Fail(ConnectFailure::kTimeout, race.error().empty() ? std::string("connecting timed out")
                                                        : absl::StrCat("connecting timed out, after: ", race.error()));
  } else if (cancelled_ || race.error().empty()) {
    error_ = cancelled_ ? "connecting was given up" : "there is no address to connect to";
  } else {
    Fail(race.failure(),
         count == 1 ? race.error() : absl::StrCat(race.error(), " (the last of ", count, " addresses)"));
  }
  co_return connection;
}

void Dial::Fail(ConnectFailure why, std::string error) {
  context_.counters.CountFailure(why);
  error_ = std::move(error);
}

void Dial::Cancel() {
  cancelled_ = true;
  if (waiting_ != nullptr) waiting_->Cancel();
  if (resolving_ != nullptr) resolving_->Cancel();
  if (racing_ != nullptr) racing_->Cancel();
}

}  // namespace chain429
