#include "tests/dst/proxy.h"

#include <algorithm>
#include <utility>

#include "tests/dst/upstream.h"

namespace chain429::dst {
namespace {

constexpr double kNewConnections = 0.3;
constexpr absl::Duration kShortestConnect = absl::Milliseconds(20);
constexpr absl::Duration kLongestConnect = absl::Milliseconds(150);
// As long as the default timeout allows.
constexpr absl::Duration kSlowestConnect = absl::Milliseconds(2900);

}  // namespace

Proxy::Proxy(World& world, const Options& options, Road& road, Surroundings& surroundings)
    : Node(world, options.error),
      options_(options),
      surroundings_(surroundings),
      random_(world.Fork()),
      link_(*this, {.node = options.name,
                    .boot_id = options.boot_id,
                    .workers = Ports(),
                    .road = road,
                    .open = [this](const std::shared_ptr<Streams>& streams,
                                   World::Act opened) { surroundings_.Open(streams, std::move(opened)); },
                    .turned =
                        [this] {
                          for (Observer* observer : surroundings_.observers()) observer->OnLinkTurn(*this);
                        }}) {}

std::vector<WorkerPort*> Proxy::Ports() {
  std::vector<WorkerPort*> ports;
  for (uint32_t i = 0; i < options_.workers; ++i) {
    workers_.push_back(std::make_unique<Worker>(*this, static_cast<uint8_t>(i)));
    ports.push_back(workers_.back().get());
  }
  return ports;
}

void Proxy::Start() {
  for (Observer* observer : surroundings_.observers()) observer->OnBoot(*this);
  link_.Start();
}

void Proxy::Ask(const ClientRequest& request, Request::Answered answered) {
  Run([this, request, answered = std::move(answered)] {
    for (Observer* observer : surroundings_.observers()) observer->OnAsked(*this);
    Worker& worker = *workers_[random_.Below(workers_.size())];
    const auto begun = std::make_shared<Request>(worker, request, answered);
    requests_.push_back(begun);
    begun->Begin();
  });
}

void Proxy::Kill() {
  Node::Kill();
  for (const std::shared_ptr<Request>& request : std::exchange(requests_, {})) request->Abandon();
  if (const auto connection = link_.connection()) connection->Close(Connection::kClient);
}

void Proxy::Vanish() {
  Node::Kill();
  for (const std::shared_ptr<Request>& request : std::exchange(requests_, {})) request->Abandon();
  if (const auto connection = link_.connection()) connection->Vanish(Connection::kClient);
}

absl::Duration Proxy::ConnectTime() {
  if (Chance(random_, options_.slow_connects)) return Between(random_, absl::ZeroDuration(), kSlowestConnect);
  if (!Chance(random_, kNewConnections)) return absl::Microseconds(50);
  return Between(random_, kShortestConnect, kLongestConnect);
}

void Proxy::Send(const std::shared_ptr<Call>& call) {
  for (Observer* observer : surroundings_.observers()) observer->OnWritten(*this, *call);
  surroundings_.UpstreamOf(call->provider).Send(call);
}

void Proxy::HangUp(const std::shared_ptr<Call>& call) { surroundings_.UpstreamOf(call->provider).HangUp(call); }

void Proxy::Forget(const Request* request) {
  std::erase_if(requests_, [request](const auto& known) { return known.get() == request; });
}

void Proxy::TellAnswered(int status, absl::Duration retry_after) {
  for (Observer* observer : surroundings_.observers()) observer->OnAnswered(*this, status, retry_after);
}

void Proxy::TellGranted(const Permit& permit) {
  for (Observer* observer : surroundings_.observers()) observer->OnGranted(*this, permit);
}

void Proxy::TellSettled(const Call& call) {
  for (Observer* observer : surroundings_.observers()) observer->OnSettled(*this, call);
}

}  // namespace chain429::dst
