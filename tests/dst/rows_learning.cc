// Rows 0, 5, 8 and 9: limits that nobody has told, that change, or that somebody else uses.
#include <algorithm>
#include <map>

#include "tests/dst/findings.h"
#include "tests/dst/oracle.h"
#include "tests/dst/rows.h"

namespace chain429::dst {
namespace {

// How many refusals each proxy met.
class RefusalsByProxy final : public Observer {
 public:
  void OnWritten(const Proxy& proxy, const Call& call) override { writer_[call.id] = proxy.name(); }
  void OnRefused(const Upstream&, const Call& call, const std::string&) override {
    // Later the limit is known, and now and then looked for anew.
    if (call.written_at > MonoTime() + kClientsCome + absl::Minutes(1)) return;
    most_ = std::max(most_, ++refused_[writer_[call.id]]);
  }
  int64_t most() const { return most_; }

 private:
  std::map<uint64_t, std::string> writer_;
  std::map<std::string, int64_t> refused_;
  int64_t most_ = 0;
};

// Requests that were written though the pool had been closed for long enough: more than 50 ms after a refusal came to
// some proxy, and within the shortest time for which a pool closes.
class LateWrites final : public Observer {
 public:
  void OnWritten(const Proxy& proxy, const Call&) override {
    const absl::Duration since = proxy.world().now() - refused_at_;
    if (since > absl::Milliseconds(50) && since < absl::Milliseconds(800)) ++late_;
  }
  void OnSettled(const Proxy& proxy, const Call& call) override {
    if (refused_.erase(call.id) > 0 && proxy.world().now() - refused_at_ > absl::Seconds(1))
      refused_at_ = proxy.world().now();
  }
  void OnRefused(const Upstream&, const Call& call, const std::string&) override { refused_[call.id] = true; }
  int64_t late() const { return late_; }

 private:
  std::map<uint64_t, bool> refused_;
  MonoTime refused_at_ = MonoTime::FromNanos(-1'000'000'000'000);
  int64_t late_ = 0;
};

int64_t Since(const std::vector<MonoTime>& times, absl::Duration from, absl::Duration to = absl::InfiniteDuration()) {
  return std::count_if(times.begin(), times.end(),
                       [&](MonoTime at) { return at - MonoTime() >= from && at - MonoTime() < to; });
}

FleetOptions Unknown(Manner manner, int64_t rpm) {
  FleetOptions fleet;
  fleet.config = OneProvider("");
  fleet.upstreams = {{.name = "p", .limits = {Requests(rpm)}, .manner = manner}};
  fleet.proxies = 20;
  return fleet;
}

Outcome RunFirstContact(const RunOptions& options, Manner manner) {
  const FleetOptions fleet = Unknown(manner, 30);
  Stage stage(StageOf(options), fleet);
  RefusalsByProxy& refusals = stage.Add<RefusalsByProxy>();
  stage.Start();
  stage.Run(kClientsCome);
  // Everybody at once: some hundred requests in the first ten seconds.
  Workload burst(stage.fleet(), {.per_minute = 600, .shape = SmallRequests("c")}, MonoTime() + absl::Seconds(11));
  burst.Start();
  Workload workload(stage.fleet(), {.per_minute = 60, .shape = SmallRequests("c")}, MonoTime() + options.length);
  workload.Start();
  stage.Run(options.length);
  stage.Rest(absl::Minutes(2));
  return Conclude(stage, {AtMost("429s of any proxy", refusals.most(), 1),
                          Told("429s per request taken", stage.counts().refused(), stage.counts().taken())});
}

Outcome RunStranger(const RunOptions& options, Manner manner) {
  FleetOptions fleet;
  fleet.config = OneProvider("limits: {rpm: 60}");
  fleet.upstreams = {{.name = "p", .limits = {Requests(60)}, .manner = manner}};
  fleet.proxies = 20;
  Stage stage(StageOf(options), fleet);
  LateWrites& late = stage.Add<LateWrites>();
  stage.Start();
  stage.Run(kClientsCome);
  stage.fleet().UpstreamOf("p").AddStranger(12, 100);
  Workload workload(stage.fleet(), {.per_minute = 90, .shape = SmallRequests("c")}, MonoTime() + options.length);
  workload.Start();
  stage.Run(options.length);
  const int64_t strangers = stage.fleet().UpstreamOf("p").by_strangers();
  const auto& counts = stage.counts().of("p");
  return Conclude(stage, {ShareAtMost("429s per success", counts.refused, counts.taken, 0.01),
                          AtMost("calls later than 50 ms after a refusal", late.late(), 0),
                          Told("of the limit used, by both", counts.taken + strangers,
                               static_cast<int64_t>(60 * absl::ToDoubleMinutes(options.length)))});
}

Outcome RunChanging(const RunOptions& options, Manner manner) {
  const FleetOptions fleet = Unknown(manner, 60);
  Stage stage(StageOf(options), fleet);
  stage.Start();
  stage.Run(kClientsCome);
  Workload workload(stage.fleet(), {.per_minute = 180, .shape = SmallRequests("c")}, MonoTime() + options.length);
  workload.Start();
  const absl::Duration third = options.length / 3;
  stage.Run(third);
  stage.fleet().UpstreamOf("p").SetLimit(0, 30);
  stage.Run(third * 2);
  stage.fleet().UpstreamOf("p").SetLimit(0, 60);
  stage.Run(options.length);
  const auto& counts = stage.counts().of("p");
  // Three windows, from the third after each change on. Without a word of the provider nobody can know sooner that he
  // gives more than by trying, which is a refusal each time that he does not: then it is the time from the fifteenth
  // on.
  const absl::Duration noticed = manner == Manner::kSilent ? absl::Minutes(15) : absl::Minutes(2);
  const auto after = [&](absl::Duration change, absl::Duration wait) {
    return Since(counts.taken_at, change + wait, change + wait + absl::Minutes(3));
  };
  const int64_t halved = after(third, absl::Minutes(2));
  const int64_t doubled = after(third * 2, noticed);
  return Conclude(stage, {ShareAtMost("429s of all calls", counts.refused, counts.refused + counts.taken, 0.01),
                          ShareAtLeast("used from the third window on, halved", halved, 90, 0.95),
                          ShareAtLeast(manner == Manner::kSilent ? "used from the fifteenth on, doubled"
                                                                 : "used from the third on, doubled",
                                       doubled, 180, manner == Manner::kSilent ? 0.9 : 0.95)});
}

}  // namespace

Outcome FirstContact(const RunOptions& options) { return RunFirstContact(options, Manner::kOpenAi); }
Outcome FirstContactSilent(const RunOptions& options) { return RunFirstContact(options, Manner::kSilent); }
Outcome Stranger(const RunOptions& options) { return RunStranger(options, Manner::kOpenAi); }
Outcome StrangerSilent(const RunOptions& options) { return RunStranger(options, Manner::kRetryAfter); }
Outcome ChangingLimits(const RunOptions& options) { return RunChanging(options, Manner::kOpenAi); }
Outcome ChangingLimitsSilent(const RunOptions& options) { return RunChanging(options, Manner::kSilent); }

Outcome NoHeaders(const RunOptions& options) {
  const FleetOptions fleet = Unknown(Manner::kSilent, 60);
  Stage stage(StageOf(options), fleet);
  stage.Start();
  stage.Run(kClientsCome);
  Workload workload(stage.fleet(), {.per_minute = 90, .shape = SmallRequests("c")}, MonoTime() + options.length);
  workload.Start();
  stage.Run(options.length);
  const auto& counts = stage.counts().of("p");
  const absl::Duration learnt = absl::Minutes(10);
  const int64_t taken = Since(counts.taken_at, learnt);
  const int64_t refused = Since(counts.refused_at, learnt);
  return Conclude(stage,
                  {ShareAtMost("429s of all calls after 10 windows", refused, refused + taken, 0.02),
                   ShareAtLeast("of the limit used after 10 windows", taken,
                                static_cast<int64_t>(60 * absl::ToDoubleMinutes(options.length - learnt)), 0.9)});
}

}  // namespace chain429::dst
