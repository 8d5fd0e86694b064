#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "common/provider/rules.h"
#include "dataplane/link/link.h"
#include "dataplane/permits/desk.h"
#include "tests/dst/call.h"
#include "tests/dst/node.h"

namespace chain429::dst {

class Proxy;

// One thread of a proxy: the production desk and snapshot pointer, driven as dataplane/worker.cc drives them.
class Worker final : public WorkerPort {
 public:
  Worker(Proxy& proxy, uint8_t index);

  void Deliver(LinkMail mail) override;
  void OnDeskChanged();
  PermitDesk& desk() { return desk_; }
  const std::shared_ptr<const Snapshot>& snapshot() const { return snapshot_; }
  const ProviderRules& RulesOf(const Provider& provider);
  Proxy& proxy() { return proxy_; }
  uint8_t index() const { return index_; }
  // A turn of the loop, as asio::post gives it.
  void Post(World::Act act);
  MonoTime now() const;

 private:
  void OnMail(const LinkMail& mail);
  void SendMail(bool flush);
  void OnMailTimer();

  Proxy& proxy_;
  const uint8_t index_;
  Random random_;
  PermitDesk desk_;
  std::shared_ptr<const Snapshot> snapshot_;
  bool mail_posted_ = false;
  Alarm mail_timer_;
  MonoTime mail_at_ = MonoTime::Max();
};

}  // namespace chain429::dst
