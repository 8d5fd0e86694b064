// What a proxy waits for at a real control plane over gRPC: acquires, each followed by its whole life (reported as
// sent, settled with its usage). `acquire.py` starts the control plane and calls this for each round.
//
//   acquire_benchmark --control HOST:PORT --pid PID [--streams N] [--batch N] [--depth N] [--seconds S] [--warm-up S]
//
// Prints one line of JSON.
#include <grpcpp/grpcpp.h>
#include <time.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "chain429/v1/fleet.grpc.pb.h"

namespace chain429 {
namespace {

using SteadyClock = std::chrono::steady_clock;
using PermitsStream = grpc::ClientReaderWriter<v1::PermitsUp, v1::PermitsDown>;

constexpr int64_t kPromptTokens = 300;
constexpr int64_t kPromptBytes = 1200;
constexpr int64_t kMaxOutput = 256;
constexpr int64_t kCompletionTokens = 120;

struct Options {
  std::string control;
  int pid = 0;
  size_t streams = 1;
  size_t batch = 1;
  size_t depth = 1;  // messages of acquires under way on a stream
  double seconds = 3;
  double warm_up = 1;
};

using Pools = google::protobuf::RepeatedField<uint64_t>;
// A chain as an acquire names it: its targets in order.
using Candidates = google::protobuf::RepeatedPtrField<v1::Candidate>;

// Whom a proxy could ask for, as the snapshot has it.
struct Work {
  std::vector<Candidates> chains;
  std::unordered_map<uint64_t, Pools> pools_of;  // by target
};

// As many targets as a usual chain has.
constexpr int kCandidates = 4;

// Of each chain as many neighbours, so that every target comes first once.
Work WorkOf(const v1::Snapshot& snapshot) {
  Work work;
  for (const v1::Target& target : snapshot.targets()) work.pools_of[target.id()] = target.pools();
  for (const v1::Chain& chain : snapshot.chains()) {
    for (int first = 0; first < chain.targets_size(); ++first) {
      Candidates candidates;
      for (int i = 0; i < std::min(kCandidates, chain.targets_size()); ++i) {
        const int index = (first + i) % chain.targets_size();
        const v1::Target& target = snapshot.targets(static_cast<int>(chain.targets(index)));
        v1::Candidate* candidate = candidates.Add();
        candidate->set_target(target.id());
        *candidate->mutable_pools() = target.pools();
      }
      work.chains.push_back(std::move(candidates));
    }
  }
  return work;
}

struct Result {
  uint64_t granted = 0;
  uint64_t denied = 0;
  uint64_t settled = 0;
  std::string error;
  std::vector<double> waits_us;  // from the write of a message of acquires to its last answer
};

// Phases of a round, told to all streams.
enum class Phase : int { kWarmUp, kMeasure, kEnd };

std::string BootId(size_t number) { return "bench-" + std::to_string(::getpid()) + "-" + std::to_string(number); }

// A proxy's Sync stream. A real one has it open as well, and is told there how pools change.
class SyncSide {
 public:
  SyncSide(v1::Fleet::Stub& stub, size_t number) : stream_(stub.Sync(&context_)) {
    v1::SyncUp hello;
    hello.mutable_hello()->set_node("bench-" + std::to_string(number));
    hello.mutable_hello()->set_boot_id(BootId(number));
    stream_->Write(hello);
  }
  // Says goodbye: of a proxy that merely vanishes the control plane keeps the share free for a minute.
  ~SyncSide() {
    v1::SyncUp goodbye;
    goodbye.mutable_goodbye()->set_reason("the round is over");
    stream_->Write(goodbye);
    stream_->WritesDone();
    if (!reader_.joinable()) context_.TryCancel();
    if (reader_.joinable()) reader_.join();
    stream_->Finish();
  }
  SyncSide(const SyncSide&) = delete;
  SyncSide& operator=(const SyncSide&) = delete;

  // Reads until the snapshot is there, and acknowledges it.
  bool ReadSnapshot(v1::Snapshot* snapshot) {
    std::string data;
    v1::SyncDown down;
    while (stream_->Read(&down)) {
      if (!down.has_snapshot()) continue;
      data += down.snapshot().data();
      if (!down.snapshot().last()) continue;
      v1::SyncUp ack;
      ack.mutable_ack()->set_nonce(down.snapshot().nonce());
      ack.mutable_ack()->set_version(down.snapshot().version());
      return stream_->Write(ack) && snapshot->ParseFromString(data);
    }
    return false;
  }
  // From here on what comes is read and dropped.
  void Drain() {
    reader_ = std::thread([this] {
      v1::SyncDown down;
      while (stream_->Read(&down)) {
      }
    });
  }

 private:
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::SyncUp, v1::SyncDown>> stream_;
  std::thread reader_;
};

// One proxy's Permits stream, driven as fast as its answers come.
class PermitsSide {
 public:
  PermitsSide(v1::Fleet::Stub& stub, size_t number, const Work& work, const Options& options)
      : work_(work), options_(options), random_(number + 1), stream_(stub.Permits(&context_)) {
    v1::PermitsUp hello;
    hello.mutable_hello()->set_node("bench-" + std::to_string(number));
    hello.mutable_hello()->set_boot_id(BootId(number));
    v1::PermitsDown down;
    ready_ = stream_->Write(hello) && stream_->Read(&down);
  }
  bool ready() const { return ready_; }

  void Run(const std::atomic<Phase>& phase) {
    while (phase != Phase::kEnd) {
      measuring_ = phase == Phase::kMeasure;
      while (under_way_.size() < options_.depth) {
        if (!SendTurn()) return;
      }
      if (!ReadAnswers()) return;
    }
    while (!under_way_.empty() && ReadAnswers()) {
    }
    SendReports();
    stream_->WritesDone();
    v1::PermitsDown down;
    while (stream_->Read(&down)) {
    }
    result_.error = stream_->Finish().error_message();
  }
  const Result& result() const { return result_; }

 private:
  struct Turn {
    uint64_t last = 0;  // id of its last acquire
    SteadyClock::time_point written;
    bool measured = false;
  };

  // What is known of earlier turns, as a proxy's turn of the loop reports it: newly sent, newly settled.
  void AddReports(v1::PermitsUp* up) {
    for (const v1::AcquireAnswer& answer : sent_) {
      v1::Settlement* settlement = up->add_settlements();
      settlement->set_permit(answer.permit());
      settlement->set_target(answer.target());
      *settlement->mutable_pools() = work_.pools_of.at(answer.target());
      settlement->set_count(1);
      settlement->set_charged(true);
      settlement->set_sent_age_ns(1'000'000);
      settlement->mutable_usage()->set_prompt_tokens(kPromptTokens);
      settlement->mutable_usage()->set_completion_tokens(kCompletionTokens);
      settlement->set_prompt_bytes(kPromptBytes);
      settlement->set_error_class(v1::ERROR_CLASS_OK);
      settlement->set_latency_ns(1'000'000);
    }
    if (measuring_) result_.settled += sent_.size();
    sent_.clear();
    for (v1::AcquireAnswer& answer : granted_) {
      v1::SentReport* sent = up->add_sent();
      sent->set_permit(answer.permit());
      sent->set_count(1);
      sent_.push_back(std::move(answer));
    }
    granted_.clear();
  }

  bool SendTurn() {
    v1::PermitsUp up;
    // A single acquire is timed without anything beside it.
    if (options_.batch == 1) SendReports();
    AddReports(&up);
    for (size_t i = 0; i < options_.batch; ++i) {
      v1::Acquire* acquire = up.add_acquires();
      acquire->set_id(++last_acquire_);
      const Candidates& chain = work_.chains[random_() % work_.chains.size()];
      *acquire->mutable_candidates() = chain;
      acquire->set_prompt_tokens(kPromptTokens);
      acquire->set_prompt_bytes(kPromptBytes);
      acquire->set_max_output(kMaxOutput);
      acquire->set_deadline_ns(1'000'000'000);
    }
    under_way_.push_back({last_acquire_, SteadyClock::now(), measuring_});
    return stream_->Write(up);
  }

  void SendReports() {
    for (int i = 0; i < 2; ++i) {
      v1::PermitsUp up;
      AddReports(&up);
      if (up.sent_size() + up.settlements_size() > 0) stream_->Write(up);
    }
  }

  bool ReadAnswers() {
    v1::PermitsDown down;
    if (!stream_->Read(&down)) return false;
    const auto now = SteadyClock::now();
    for (v1::AcquireAnswer& answer : *down.mutable_answers()) {
      if (answer.held()) continue;  // another will follow
      const uint64_t id = answer.acquire();
      if (measuring_) ++(answer.granted() ? result_.granted : result_.denied);
      if (answer.granted()) granted_.push_back(std::move(answer));
      if (under_way_.empty() || id != under_way_.front().last) continue;
      if (under_way_.front().measured) {
        const std::chrono::duration<double, std::micro> wait = now - under_way_.front().written;
        result_.waits_us.push_back(wait.count());
      }
      under_way_.erase(under_way_.begin());
    }
    return true;
  }

  const Work& work_;
  const Options& options_;
  std::minstd_rand random_;
  grpc::ClientContext context_;
  std::unique_ptr<PermitsStream> stream_;
  bool ready_ = false;
  bool measuring_ = false;
  uint64_t last_acquire_ = 0;
  std::vector<Turn> under_way_;
  std::vector<v1::AcquireAnswer> granted_;  // to be reported as sent
  std::vector<v1::AcquireAnswer> sent_;     // to be settled
  Result result_;
};

int LimitedPools(const v1::Snapshot& snapshot) {
  return static_cast<int>(std::count_if(snapshot.pools().begin(), snapshot.pools().end(),
                                        [](const v1::Pool& pool) { return pool.limits_size() > 0; }));
}

// What a process has used of the processors, in seconds; 0: it cannot be told.
double CpuOf(int pid) {
  clockid_t clock = 0;
  timespec used = {};
  if (pid <= 0 || clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &used) != 0) return 0;
  return static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) * 1e-9;
}

double Quantile(const std::vector<double>& sorted, double share) {
  if (sorted.empty()) return 0;
  return sorted[std::min(sorted.size() - 1, static_cast<size_t>(share * static_cast<double>(sorted.size())))];
}

void Sleep(double seconds) { std::this_thread::sleep_for(std::chrono::duration<double>(seconds)); }

int Fail(const std::string& why) {
  std::fprintf(stderr, "acquire_benchmark: %s\n", why.c_str());
  return 1;
}

int Measure(const Options& options) {
  std::vector<std::unique_ptr<v1::Fleet::Stub>> stubs;
  std::vector<std::unique_ptr<SyncSide>> syncs;
  v1::Snapshot snapshot;
  for (size_t i = 0; i < options.streams; ++i) {
    // Each on a connection of its own, as proxies are.
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    stubs.push_back(
        v1::Fleet::NewStub(grpc::CreateCustomChannel(options.control, grpc::InsecureChannelCredentials(), arguments)));
    syncs.push_back(std::make_unique<SyncSide>(*stubs.back(), i));
    if (!syncs.back()->ReadSnapshot(&snapshot)) return Fail("no snapshot from " + options.control);
    syncs.back()->Drain();
  }
  const Work work = WorkOf(snapshot);
  if (work.chains.empty()) return Fail("the snapshot has no chain");

  std::atomic<Phase> phase = Phase::kWarmUp;
  std::vector<std::unique_ptr<PermitsSide>> sides;
  for (size_t i = 0; i < options.streams; ++i) {
    sides.push_back(std::make_unique<PermitsSide>(*stubs[i], i, work, options));
    if (!sides.back()->ready()) return Fail("the Permits stream did not open");
  }
  std::vector<std::thread> threads;
  threads.reserve(sides.size());
  for (const auto& side : sides) threads.emplace_back([&side, &phase] { side->Run(phase); });

  Sleep(options.warm_up);
  const double cpu_before = CpuOf(options.pid);
  const double own_before = CpuOf(::getpid());
  const auto began = SteadyClock::now();
  phase = Phase::kMeasure;
  Sleep(options.seconds);
  phase = Phase::kEnd;
  const std::chrono::duration<double> took = SteadyClock::now() - began;
  const double cpu = CpuOf(options.pid) - cpu_before;
  const double own = CpuOf(::getpid()) - own_before;
  for (std::thread& thread : threads) thread.join();

  Result sum;
  for (const auto& side : sides) {
    const Result& result = side->result();
    if (!result.error.empty()) return Fail("a stream ended: " + result.error);
    sum.granted += result.granted;
    sum.denied += result.denied;
    sum.settled += result.settled;
    sum.waits_us.insert(sum.waits_us.end(), result.waits_us.begin(), result.waits_us.end());
  }
  std::sort(sum.waits_us.begin(), sum.waits_us.end());
  const double settled = static_cast<double>(std::max<uint64_t>(sum.settled, 1));
  std::printf(
      "{\"seconds\":%.3f,\"granted\":%llu,\"denied\":%llu,\"settled\":%llu,\"permits_per_s\":%.1f,\"p50_us\":%.1f,"
      "\"p99_us\":%.1f,\"cpu_us\":%.3f,\"client_cpu_us\":%.3f,\"pools\":%d}\n",
      took.count(), static_cast<unsigned long long>(sum.granted), static_cast<unsigned long long>(sum.denied),
      static_cast<unsigned long long>(sum.settled), settled / took.count(), Quantile(sum.waits_us, 0.5),
      Quantile(sum.waits_us, 0.99), cpu * 1e6 / settled, own * 1e6 / settled, LimitedPools(snapshot));
  return 0;
}

}  // namespace
}  // namespace chain429

int main(int argc, char** argv) {
  chain429::Options options;
  CLI::App app("Acquires, sends and settles permits of a running control plane; prints what that took as JSON.");
  app.add_option("--control", options.control, "HOST:PORT of its gRPC listener")->required();
  app.add_option("--pid", options.pid, "its process, whose CPU time is read");
  app.add_option("--streams", options.streams, "proxies that are played")->check(CLI::PositiveNumber);
  app.add_option("--batch", options.batch, "acquires in a message")->check(CLI::PositiveNumber);
  app.add_option("--depth", options.depth, "messages under way on a stream")->check(CLI::PositiveNumber);
  app.add_option("--seconds", options.seconds, "of measuring")->check(CLI::PositiveNumber);
  app.add_option("--warm-up", options.warm_up, "seconds before it")->check(CLI::NonNegativeNumber);
  CLI11_PARSE(app, argc, argv);
  return chain429::Measure(options);
}
