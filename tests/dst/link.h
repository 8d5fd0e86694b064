#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "dataplane/link/backoff.h"
#include "dataplane/link/link_core.h"
#include "tests/dst/node.h"
#include "tests/dst/streams.h"

namespace chain429::dst {

// A proxy's link to the control plane: the production LinkCore, driven as dataplane/link/grpc_link.cc drives it, over
// simulated streams.
class SimulatedLink final : public Link {
 public:
  // Asks whoever is the control plane then for the connection.
  using Open = std::function<void(const std::shared_ptr<Streams>&, World::Act opened)>;
  struct Options {
    std::string node;
    std::string boot_id;
    std::vector<WorkerPort*> workers;
    Road& road;
    Open open;
    std::function<void()> turned;  // after each turn
  };

  SimulatedLink(Node& host, Options options);
  ~SimulatedLink() override;

  void Start();
  // Sends what is queued, says goodbye and closes.
  void Stop();
  void Submit(uint32_t worker, WorkerMail mail) override;
  const LinkCore& core() const { return core_; }
  bool attached() const { return core_.attached(); }
  // The present connection, if there is one.
  std::shared_ptr<Connection> connection() const;

 private:
  class Attachment;

  void Do(World::Act act);
  void Turn();
  void OnTime();
  void Pump();
  void Try();
  void OnAttached();
  void OnMessage(const absl::Status& status);
  void Lose();
  void SayGoodbye();
  void SetTimer();

  Node& host_;
  const Options options_;
  Random random_;
  Backoff backoff_;
  LinkCore core_;
  MonoTime now_;
  std::vector<std::pair<uint32_t, WorkerMail>> mails_;
  std::vector<World::Act> events_;
  bool turn_due_ = false;
  std::shared_ptr<Attachment> attachment_;
  Alarm timer_;
  MonoTime timer_at_ = MonoTime::Max();
  MonoTime next_try_;
  MonoTime attach_deadline_ = MonoTime::Max();
  MonoTime next_usage_;
  bool stopping_ = false;
  bool said_goodbye_ = false;
};

}  // namespace chain429::dst
