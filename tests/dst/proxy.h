#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tests/dst/call.h"
#include "tests/dst/link.h"
#include "tests/dst/node.h"
#include "tests/dst/observer.h"
#include "tests/dst/request.h"
#include "tests/dst/surroundings.h"
#include "tests/dst/worker.h"

namespace chain429::dst {

// One boot of a proxy: its link and its workers.
class Proxy final : public Node {
 public:
  struct Options {
    std::string name;     // the node's, the same for every boot
    std::string boot_id;
    uint32_t workers = 1;
    ClockError error;
    // Connecting to a provider: mostly there is a connection already, now and then it takes very long.
    double slow_connects = 0.01;
  };
  Proxy(World& world, const Options& options, Road& road, Surroundings& surroundings);

  void Start();
  // A client's request comes. Ignored by a process that is not there any more.
  void Ask(const ClientRequest& request, Request::Answered answered);
  // The process ends without a word; the kernel closes its connections.
  void Kill() override;
  // The host is switched off: nobody is told.
  void Vanish();

  SimulatedLink& link() { return link_; }
  const std::string& name() const { return options_.name; }
  const std::string& boot_id() const { return options_.boot_id; }
  size_t open_requests() const { return requests_.size(); }

  // For its workers and requests.
  const ProviderRules& RulesOf(const std::string& catalogue_entry) { return surroundings_.RulesOf(catalogue_entry); }
  std::shared_ptr<Call> NewCall() { return surroundings_.NewCall(); }
  absl::Duration ConnectTime();
  void Send(const std::shared_ptr<Call>& call);
  void HangUp(const std::shared_ptr<Call>& call);
  void Forget(const Request* request);
  void TellAnswered(int status, absl::Duration retry_after);
  void TellGranted(const Permit& permit);
  void TellSettled(const Call& call);

 private:
  std::vector<WorkerPort*> Ports();

  const Options options_;
  Surroundings& surroundings_;
  Random random_;
  std::vector<std::unique_ptr<Worker>> workers_;
  SimulatedLink link_;
  std::vector<std::shared_ptr<Request>> requests_;
};

}  // namespace chain429::dst
