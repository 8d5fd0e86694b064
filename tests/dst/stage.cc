#include "tests/dst/stage.h"

namespace chain429::dst {

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
