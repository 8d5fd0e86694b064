#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/base/clock.h"
#include "common/base/ids.h"
#include "common/model/permit.h"
#include "common/model/settlement.h"
#include "common/model/snapshot.h"

namespace chain429::dst {

class Control;
class Upstream;
class Proxy;
struct Call;

// What a checker can see. Everything is told within the event in which it happens.
class Observer {
 public:
  virtual ~Observer() = default;
  // A client's request came to a proxy; its answer: a status, and when it may be worth trying again.
  virtual void OnAsked(const Proxy&) {}
  virtual void OnAnswered(const Proxy&, int /*status*/, absl::Duration /*retry_after*/) {}
  // A proxy wrote a request upstream.
  virtual void OnWritten(const Proxy&, const Call&) {}
  // It came to the provider, which took it or refused it. `limit` names the limit for which it was refused.
  virtual void OnTaken(const Upstream&, const Call&) {}
  virtual void OnRefused(const Upstream&, const Call&, const std::string& /*limit*/) {}
  // It counted tokens: a prompt, or output that it wrote.
  virtual void OnUsed(const Upstream&, int64_t /*tokens*/) {}
  // The provider's answer has ended, or the caller hung up.
  virtual void OnEnded(const Upstream&, const Call&) {}
  // A proxy's worker settled an attempt.
  virtual void OnSettled(const Proxy&, const Call&) {}
  // A permit came to a proxy's worker.
  virtual void OnGranted(const Proxy&, const Permit&) {}
  // A turn of the control plane's thread, or of a proxy's link, has ended.
  virtual void OnControlTurn(Control&) {}
  virtual void OnLinkTurn(Proxy&) {}
  // A proxy or the control plane begins anew.
  virtual void OnBoot(const Proxy&) {}
  virtual void OnBoot(const Control&) {}
  // All clients are gone, every attempt has ended, and everything has come to rest.
  virtual void OnRest(Control&) {}
};

using Observers = std::vector<Observer*>;

}  // namespace chain429::dst
