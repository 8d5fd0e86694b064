#include "tests/dst/stage.h"

#include "absl/strings/str_cat.h"
#include "tests/dst/describe.h"

namespace chain429::dst {
namespace {

// Tells what goes on.
class Narrator final : public Observer {
 public:
  explicit Narrator(World& world) : world_(world) {}
  void OnGranted(const Proxy& proxy, const Permit& permit) override {
    world_.Trace(absl::StrCat(proxy.boot_id(), " got permit ", permit.id.value(), " for ", permit.spares + 1, ", ",
                              absl::FormatDuration(permit.ttl)));
  }
  void OnWritten(const Proxy& proxy, const Call& call) override {
    world_.Trace(absl::StrCat(proxy.boot_id(), " wrote ", Describe(call)));
  }
  void OnTaken(const Upstream& upstream, const Call& call) override {
    world_.Trace(absl::StrCat(upstream.name(), " took ", Describe(call)));
  }
  void OnRefused(const Upstream& upstream, const Call& call, const std::string& limit) override {
    world_.Trace(absl::StrCat(upstream.name(), " refused ", Describe(call), " for its ", limit));
  }
  void OnEnded(const Upstream& upstream, const Call& call) override {
    world_.Trace(absl::StrCat(upstream.name(), " ended ", Describe(call)));
  }
  void OnSettled(const Proxy& proxy, const Call& call) override {
    world_.Trace(absl::StrCat(proxy.boot_id(), " settled ", Describe(call)));
  }
  void OnAnswered(const Proxy& proxy, int status, absl::Duration retry_after) override {
    world_.Trace(absl::StrCat(proxy.boot_id(), " answered ", status, " ", absl::FormatDuration(retry_after)));
  }
  void OnControlTurn(Control& control) override {
    for (const PoolView& pool : control.broker().View({}, control.Read())) {
      for (const LimitView& view : pool.limits) {
        const std::string now = Describe(pool, view);
        std::string& before = told_[absl::StrCat(pool.key, ToAbsl(UnitName(view.limit.unit)),
                                                 absl::FormatDuration(view.limit.window.length))];
        if (now != before) world_.Trace(absl::StrCat("control: ", now));
        before = now;
      }
    }
  }

 private:
  World& world_;
  std::map<std::string, std::string> told_;
};

}  // namespace

void Counts::OnTaken(const Upstream& upstream, const Call& call) {
  OfProvider& of = of_[upstream.name()];
  ++of.taken;
  of.tokens += call.request.prompt_tokens + call.request.output_tokens;
  of.taken_at.push_back(upstream.world().now());
}

void Counts::OnRefused(const Upstream& upstream, const Call&, const std::string&) {
  OfProvider& of = of_[upstream.name()];
  ++of.refused;
  of.refused_at.push_back(upstream.world().now());
}

int64_t Counts::refused() const {
  int64_t sum = 0;
  for (const auto& [name, of] : of_) sum += of.refused;
  return sum;
}

int64_t Counts::taken() const {
  int64_t sum = 0;
  for (const auto& [name, of] : of_) sum += of.taken;
  return sum;
}

Stage::Stage(const Options& options, const FleetOptions& fleet)
    : start_(options.start),
      world_(options.seed, options.start),
      fleet_options_(fleet),
      counts_(Add<Counts>()),
      fleet_(world_, fleet, observers_) {
  world_.set_tracing(options.trace);
  if (options.trace) Add<Narrator>(world_);
  Add<PermitsUsedOnce>(world_);
  Add<NothingNegative>(world_);
  Add<SnapshotsRise>(world_);
  Add<NothingLeaks>(world_, fleet_);
}

void Stage::Rest(absl::Duration quiet) {
  world_.RunUntil(world_.now() + quiet);
  if (world_.failed()) return;
  if (fleet_.control() == nullptr) return world_.Fail("there is no control plane at rest");
  for (Observer* observer : observers_) observer->OnRest(*fleet_.control());
}

}  // namespace chain429::dst
