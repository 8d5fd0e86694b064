#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/sim/answer_script.h"
#include "tests/sim/request_log.h"
#include "tests/sim/scenario.h"

namespace chain429::sim {

// A request as it came from the socket.
struct IncomingRequest {
  std::string method;
  std::string target;  // behind the provider's prefix
  std::string key;     // from Authorization or x-api-key
  std::string head;    // raw
  std::string body;
  int64_t connection = 0;
  bool reused = false;
  bool malformed = false;
  Manners manners;
};

// A request being answered.
struct Exchange {
  Script script;
  std::shared_ptr<LogEntry> entry;
  std::optional<Admission> admission;
};

// The far end of a connection, as far as the provider's control reaches.
class Peer {
 public:
  virtual ~Peer() = default;
  // Both say whether there was anything to do.
  virtual bool Release() = 0;  // ends a stall
  virtual bool Close(bool idle_only) = 0;
};

// One simulated provider: what it is, what it has seen, and what it does with the next request. No sockets and no
// clock in here; one thread.
class Provider {
 public:
  Provider(const ProviderSpec& spec, uint64_t seed, absl::Time start);

  // Decides the whole answer.
  Exchange Receive(const IncomingRequest& request, absl::Time now);
  // A step of the script has been sent.
  void Sent(Exchange& exchange, const Step& step, size_t bytes, absl::Time now);
  // The script has ended, or the client has gone before.
  void Finish(Exchange& exchange, bool disconnected, absl::Time now);

  void Connected(int64_t connection, std::weak_ptr<Peer> peer);
  void Disconnected(int64_t connection);

  // --- control ---
  const ProviderSpec& spec() const { return spec_; }
  const RequestLog& log() const { return log_; }
  FaultPlan& faults() { return faults_; }
  absl::Time start() const { return start_; }
  void SetLimits(const std::vector<LimitSetSpec>& limits, absl::Time now);
  // Everything but name, address, limits, faults and the size of the log.
  void SetBehaviour(const ProviderSpec& spec);
  // Back to the beginning: the scenario's settings, an empty log, empty windows.
  void Reset();
  size_t ReleaseStalled();
  size_t CloseConnections(bool idle_only);
  Json Stats(absl::Time now);

 private:
  struct Account {
    std::string name;
    AccountLimits limits;
  };

  Exchange ReceiveChat(LogEntry entry, const IncomingRequest& request, absl::Time now);
  Exchange Refuse(LogEntry entry, const IncomingRequest& request, const Refusal& refusal, const LimitView& view);
  Exchange Answer(LogEntry entry, const Manners& manners, const HttpAnswer& answer, std::string verdict);
  Exchange Begin(LogEntry entry, Script script, std::string verdict);
  bool KnowsModel(const std::string& model) const;
  const std::string* AccountOf(const std::string& key) const;  // null: no such key
  Account& AccountNamed(const std::string& name);
  std::vector<Header> HeadersOf(const LimitView& view) const;
  void LayOutRateLimit(const std::string& model, const LimitView& view, FaultSpec* fault) const;
  HttpAnswer ModelsAnswer(const std::string& target) const;

  ProviderSpec original_;
  ProviderSpec spec_;
  uint64_t seed_;
  absl::Time start_;
  Random random_;
  RequestLog log_;
  FaultPlan faults_;
  std::map<std::string, Account> accounts_;
  std::map<int64_t, std::weak_ptr<Peer>> peers_;
  std::map<std::string, int64_t> verdicts_;
  std::map<int, int64_t> statuses_;
  int64_t open_requests_ = 0;
  int64_t open_streams_ = 0;
  int64_t max_open_requests_ = 0;
  int64_t max_open_streams_ = 0;
  int64_t disconnects_ = 0;
  int64_t connections_ = 0;
  int64_t chats_ = 0;
};

}  // namespace chain429::sim
