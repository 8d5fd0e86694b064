#include "tests/dst/fleet.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/dst/configuration.h"

namespace chain429::dst {

Fleet::Fleet(World& world, FleetOptions options, const Observers& observers)
    : world_(world), options_(std::move(options)), observers_(observers), snapshot_(BuildFrom(options_.config)) {
  for (const Upstream::Options& upstream : options_.upstreams) {
    upstreams_[upstream.name] = std::make_unique<Upstream>(world_, upstream, observers_);
  }
  for (size_t i = 0; i < options_.proxies; ++i) roads_.push_back(std::make_unique<Road>(options_.link));
  present_.resize(options_.proxies);
}

void Fleet::Start() {
  StartControl();
  for (size_t i = 0; i < present_.size(); ++i) StartProxy(i);
}

void Fleet::StartControl() {
  controls_.push_back(std::make_unique<Control>(
      world_, Control::Options{.error = options_.control_clock, .repeated = options_.repeated_reports}, store_,
      observers_));
  control_ = controls_.back().get();
  control_->Serve(snapshot_);
}

void Fleet::StartProxy(size_t index) {
  Proxy::Options options;
  options.name = absl::StrCat("proxy-", index);
  options.boot_id = absl::StrCat(options.name, "/", boots_.size());
  options.workers = options_.workers;
  if (!options_.clocks.empty()) options.error = options_.clocks[index % options_.clocks.size()];
  options.slow_connects = options_.slow_connects;
  boots_.push_back(std::make_unique<Proxy>(world_, options, *roads_[index], *this));
  present_[index] = boots_.back().get();
  present_[index]->Start();
}

bool Fleet::AllAttached() const {
  return std::all_of(present_.begin(), present_.end(),
                     [](Proxy* proxy) { return proxy->alive() && !proxy->stopped() && proxy->link().attached(); });
}

void Fleet::KillProxy(size_t index, absl::Duration away) {
  if (!present_[index]->alive()) return;
  world_.Trace(absl::StrCat("kill ", present_[index]->boot_id()));
  present_[index]->Kill();
  world_.In(away, [this, index] { StartProxy(index); });
}

void Fleet::StopProxy(size_t index, absl::Duration length) {
  Proxy* proxy = present_[index];
  if (!proxy->alive() || proxy->stopped()) return;
  world_.Trace(absl::StrCat("stop ", proxy->boot_id(), " for ", absl::FormatDuration(length)));
  proxy->Stop();
  roads_[index]->Watch();
  world_.In(length, [this, proxy] {
    world_.Trace(absl::StrCat("continue ", proxy->boot_id()));
    proxy->Continue();
  });
}

void Fleet::KillControl(absl::Duration away) {
  if (control_ == nullptr) return;
  world_.Trace("kill control");
  std::exchange(control_, nullptr)->Kill();
  world_.In(away, [this] {
    world_.Trace("start control");
    StartControl();
  });
}

void Fleet::StopControl(absl::Duration length) {
  if (control_ == nullptr || control_->stopped()) return;
  world_.Trace(absl::StrCat("stop control for ", absl::FormatDuration(length)));
  Control* stopped = control_;
  stopped->Stop();
  for (const std::unique_ptr<Road>& road : roads_) road->Watch();
  world_.In(length, [stopped] { stopped->Continue(); });
}

void Fleet::BreakLink(size_t index) {
  const auto connection = present_[index]->alive() ? present_[index]->link().connection() : nullptr;
  if (connection == nullptr) return;
  world_.Trace(absl::StrCat("break the link of ", present_[index]->boot_id()));
  connection->Reset();
}

void Fleet::CutLink(size_t index, absl::Duration length) {
  if (roads_[index]->cut()) return;
  world_.Trace(absl::StrCat("cut the link of ", present_[index]->name(), " for ", absl::FormatDuration(length)));
  roads_[index]->Cut();
  world_.In(length, [road = roads_[index].get()] { road->Mend(); });
}

void Fleet::Open(const std::shared_ptr<Streams>& streams, World::Act opened) {
  const auto chosen = std::make_shared<Control*>(nullptr);
  streams->connection->Open([this, chosen]() -> Node* { return *chosen = control_; },
                            [chosen, streams] { (*chosen)->Accept(streams); }, std::move(opened));
}

const ProviderRules& Fleet::RulesOf(const std::string& catalogue_entry) {
  std::unique_ptr<const ProviderRules>& rules = rules_[catalogue_entry];
  if (rules == nullptr) {
    absl::StatusOr<std::unique_ptr<const ProviderRules>> compiled = ProviderRules::Compile(catalogue_entry);
    CHAIN429_CHECK(compiled.ok());
    rules = *std::move(compiled);
  }
  return *rules;
}

std::shared_ptr<Call> Fleet::NewCall() {
  const auto call = std::make_shared<Call>();
  call->id = ++last_call_;
  return call;
}

}  // namespace chain429::dst
