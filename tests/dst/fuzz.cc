// Worlds that a seed makes up: providers of several kinds, fleets of several sizes, and trouble of every sort.
#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "tests/dst/findings.h"
#include "tests/dst/rows.h"
#include "tests/dst/trouble.h"

namespace chain429::dst {
namespace {

using Unit = ProviderLimit::Unit;
using Kind = ProviderLimit::Kind;

// A provider with what the configuration says of it and how much of it a minute takes.
struct Made {
  std::string config;      // its settings, behind its name
  std::string model = "m";
  Upstream::Options upstream;
  double per_minute = 0;   // requests that it gives
  bool streams = false;    // long ones
};

int64_t Within(Random& random, int64_t least, int64_t most) {
  return least + static_cast<int64_t>(random.Below(static_cast<uint64_t>(most - least + 1)));
}

std::string Settings(const std::string& kind, const std::string& more) {
  return absl::StrCat("{kind: ", kind, kind == "openai" ? ", base_url: 'https://p.test/v1'" : "",
                      ", credentials: [{name: main, env: KEY}]", more.empty() ? "" : ", ", more, "}");
}

Made PerMinute(Random& random) {
  const int64_t rpm = Within(random, 3, 120);
  constexpr const char* kKinds[] = {"sliding", "fixed", "bucket"};
  const size_t kind = random.Below(3);
  Made made;
  made.config =
      Settings("openai", absl::StrCat("limits: {rpm: ", rpm, "}, windows: {rpm: {kind: ", kKinds[kind], "}}"));
  ProviderLimit limit = Requests(rpm);
  limit.kind = static_cast<Kind>(kind);
  made.upstream.limits = {limit};
  made.upstream.manner = random.Below(2) == 0 ? Manner::kSilent : Manner::kOpenAi;
  made.per_minute = static_cast<double>(rpm);
  return made;
}

Made AtOnce(Random& random) {
  const int64_t most = Within(random, 1, 8);
  Made made;
  made.config = Settings("openai", absl::StrCat("limits: {concurrency: ", most, "}"));
  made.upstream.limits = {{.unit = Unit::kConcurrency, .amount = most}};
  made.per_minute = static_cast<double>(most) / 0.4;
  made.streams = true;
  return made;
}

Made PerDay(Random& random) {
  const int64_t rpd = Within(random, 20, 400);
  Made made;
  made.config = Settings("openai", absl::StrCat("limits: {rpm: 20, rpd: ", rpd,
                                                "}, windows: {rpd: {kind: fixed, zone: America/Los_Angeles}}"));
  ProviderLimit day = Requests(rpd, absl::Hours(24));
  day.kind = Kind::kFixed;
  day.zone = "America/Los_Angeles";
  made.upstream.limits = {Requests(20), day};
  made.per_minute = 10;
  return made;
}

Made Groq(Random&) {
  Made made;
  made.config = Settings("groq", "");
  made.model = "openai/gpt-oss-20b";
  const auto bucket = [](Unit unit, int64_t amount, absl::Duration length) {
    return ProviderLimit{.unit = unit, .amount = amount, .kind = Kind::kBucket, .length = length};
  };
  made.upstream.limits = {Requests(30), bucket(Unit::kRequests, 1000, absl::Hours(24)),
                          bucket(Unit::kTokens, 8000, absl::Minutes(1)),
                          bucket(Unit::kTokens, 200'000, absl::Hours(24))};
  made.upstream.manner = Manner::kGroq;
  made.per_minute = 30;
  return made;
}

Made Nvidia(Random&) {
  Made made;
  made.config = Settings("nvidia", "");
  made.model = "openai/gpt-oss-20b";
  made.upstream.limits = {Requests(40)};
  made.per_minute = 40;
  return made;
}

Made Gemini(Random&) {
  Made made;
  made.config = Settings("gemini", "");
  made.model = "gemini-2.5-flash-lite";
  ProviderLimit day = Requests(20, absl::Hours(24));
  day.kind = Kind::kFixed;
  day.zone = "America/Los_Angeles";
  made.upstream.limits = {Requests(10), day};
  made.upstream.manner = Manner::kGemini;
  made.per_minute = 10;
  return made;
}

Made Make(Random& random) {
  switch (random.Below(8)) {
    case 0:
    case 1:
    case 2:
      return PerMinute(random);
    case 3:
      return AtOnce(random);
    case 4:
      return PerDay(random);
    case 5:
      return Groq(random);
    case 6:
      return Nvidia(random);
    default:
      return Gemini(random);
  }
}

Quality Network(Random& random) {
  switch (random.Below(4)) {
    case 0:
      return {absl::Microseconds(50), absl::Microseconds(30), 0};
    case 1:
      return {absl::Milliseconds(40), absl::Milliseconds(25), 0.01};
    default:
      return {absl::Milliseconds(1), absl::Microseconds(500), 0};
  }
}

}  // namespace

Outcome Fuzz(const RunOptions& options) {
  Random random(options.seed * 0x9e3779b97f4a7c15ULL);
  FleetOptions fleet;
  std::string providers;
  std::string targets;
  double capacity = 0;
  bool streams = false;
  const int64_t count = Within(random, 1, 3);
  for (int64_t i = 0; i < count; ++i) {
    Made made = Make(random);
    made.upstream.name = absl::StrCat("p", i);
    made.upstream.clock_off = Between(random, absl::Seconds(-3), absl::Seconds(3));
    made.upstream.path = {absl::Milliseconds(Within(random, 5, 60)), absl::Milliseconds(Within(random, 1, 5)), 0};
    absl::StrAppend(&providers, "  p", i, ": ", made.config, "\n");
    absl::StrAppend(&targets, i > 0 ? ", " : "", "{provider: p", i, ", model: '", made.model, "'}");
    capacity += made.per_minute;
    streams = streams || made.streams;
    fleet.upstreams.push_back(made.upstream);
  }
  const bool waits = random.Below(3) == 0;
  fleet.config = absl::StrCat("version: 1\nproviders:\n", providers, "chains:\n  c: {targets: [", targets, "]",
                              waits ? ", wait: 20s" : "", "}\n");
  fleet.proxies = static_cast<size_t>(Within(random, 1, 8));
  fleet.workers = static_cast<uint32_t>(Within(random, 1, 3));
  fleet.link = Network(random);
  for (size_t i = 0; i < fleet.proxies; ++i) {
    fleet.clocks.push_back({Between(random, absl::Hours(-1), absl::Hours(1)), (random.Uniform() - 0.5) * 1e-3});
  }
  const double demand = capacity * (0.5 + 2 * random.Uniform());
  const double leavers = random.Below(2) == 0 ? 0.05 : 0;

  Stage stage(StageOf(options), fleet);
  stage.world().Trace(fleet.config);
  PermitsOverrunNothing& overrun = stage.Add<PermitsOverrunNothing>(stage.world());
  const TroubleOptions trouble_options = MakeTrouble(random);
  if (trouble_options.none()) {
    stage.Add<NoSettlementLost>(stage.world());
    stage.Add<LedgerCovers>(stage.world(), stage.fleet());
  }
  stage.Start();
  stage.Run(kClientsCome);
  const auto shape = [streams, leavers, small = SmallRequests("c")](Random& luck) {
    ClientRequest request = small(luck);
    if (streams) request.duration = Between(luck, absl::Seconds(5), absl::Seconds(40));
    if (Chance(luck, leavers)) request.leaves_after = Between(luck, absl::ZeroDuration(), absl::Seconds(3));
    return request;
  };
  Workload workload(stage.fleet(), {.per_minute = demand, .shape = shape, .retries = waits ? 0 : 1},
                    MonoTime() + options.length);
  workload.Start();
  Trouble trouble(stage.fleet(), trouble_options, MonoTime() + options.length);
  trouble.Start();
  stage.Run(options.length);
  // Longer than anything takes: stopped processes go on, links are mended, shares of the dead are given up.
  stage.Rest(absl::Minutes(4));
  return Conclude(stage, {Check("every invariant", stage.world().failure().empty(),
                                stage.world().failure().empty() ? "held" : "broken"),
                          Told("429s for shares", overrun.explained(), stage.counts().taken())});
}

}  // namespace chain429::dst
