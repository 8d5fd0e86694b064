#include "controlplane/ctl/up/launcher.h"

#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <utility>

#include <boost/asio/post.hpp>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/base/text.h"
#include "common/io/http_client.h"
#include "controlplane/ctl/terminal.h"
#include "controlplane/ctl/text_file.h"
#include "controlplane/ctl/up/banner.h"
#include "controlplane/ctl/up/death_report.h"
#include "controlplane/ctl/up/demo.h"
#include "controlplane/ctl/up/log_line.h"
#include "controlplane/ctl/up/ports.h"

namespace chain429 {
namespace {

constexpr std::chrono::milliseconds kPollEvery(50);
constexpr int kMostPolls = 1200;  // a minute: a loaded machine is slow, a hanging program is not worth more
constexpr int kPollsOfPatience = 40;  // then it is said what is waited for, and again after as many
constexpr std::chrono::seconds kQuietStop(1);
constexpr std::chrono::seconds kStopGrace(10);  // for one child; open requests of the proxy included
constexpr size_t kLabelWidth = 7;

Colour LabelColour(const std::string& label) {
  if (label == "control") return Colour::kCyan;
  if (label == "proxy") return Colour::kMagenta;
  if (label == "traffic") return Colour::kGreen;
  return Colour::kBlue;
}

Colour LineColour(LineWeight weight) {
  switch (weight) {
    case LineWeight::kPlain:
      return Colour::kNone;
    case LineWeight::kQuiet:
      return Colour::kDim;
    case LineWeight::kWarning:
      return Colour::kYellow;
    case LineWeight::kError:
      return Colour::kRed;
  }
  return Colour::kNone;
}

absl::StatusOr<std::string> MakeTemporaryFolder() {
  const char* root = std::getenv("TMPDIR");
  std::string path = absl::StrCat(root != nullptr && *root == '/' ? root : "/tmp", "/429chain-demo-XXXXXX");
  if (mkdtemp(path.data()) == nullptr) return absl::PermissionDeniedError(absl::StrCat("cannot make a folder ", path));
  return path;
}

}  // namespace

Launcher::Launcher(const CommandContext& context, const UpOptions& options, UpPlan plan)
    : context_(context),
      options_(options),
      plan_(std::move(plan)),
      colour_(WantsColour(STDERR_FILENO)),
      prober_(std::make_unique<Loop>("prober")) {
  signals_ = std::make_unique<Signals>(io_, std::vector<int>{SIGINT, SIGTERM, SIGHUP, SIGCHLD},
                                       [this](int signal) { OnSignal(signal); });
}

Launcher::~Launcher() {
  prober_.reset();
  traffic_.reset();
  children_.clear();
  std::error_code ignored;
  if (!demo_folder_.empty()) std::filesystem::remove_all(demo_folder_, ignored);
}

int Launcher::Run() {
  for (const std::string& note : plan_.notes) Say(note);
  if (plan_.demo) {
    StartSimulator();
  } else {
    StartControl();
  }
  io_.run();
  return exit_code_;
}

absl::Status Launcher::PrepareDemo() {
  ASSIGN_OR_RETURN(demo_folder_, MakeTemporaryFolder());
  RETURN_IF_ERROR(WriteTextFile(demo_folder_ + "/scenario.yaml", DemoScenario()));
  for (const auto& [name, key] : DemoKeys())
    RETURN_IF_ERROR(WriteTextFile(absl::StrCat(demo_folder_, "/", name, ".key"), key + "\n"));
  return absl::OkStatus();
}

void Launcher::Start(const std::string& label, std::vector<std::string> argv,
                     std::function<void(const std::string&)> on_line) {
  auto child = ChildProcess::Start(io_, {label, std::move(argv)}, std::move(on_line));
  if (!child.ok()) {
    Fail(std::string(child.status().message()));
    return;
  }
  children_.push_back(*std::move(child));
}

void Launcher::StartSimulator() {
  if (const absl::Status status = PrepareDemo(); !status.ok()) {
    Fail(std::string(status.message()));
    return;
  }
  Say("starting simulated providers");
  Start("sim", {plan_.programs.simulator, "--scenario", demo_folder_ + "/scenario.yaml"},
        [this](const std::string& line) { OnSimulatorLine(line); });
}

// "listening NAME URL" for each provider, then "ready".
void Launcher::OnSimulatorLine(const std::string& line) {
  ShowLine("sim", line);
  if (stopping_) return;
  constexpr std::string_view kListening = "listening ";
  if (line.starts_with(kListening)) {
    const size_t space = line.find(' ', kListening.size());
    if (space != std::string::npos)
      base_urls_[line.substr(kListening.size(), space - kListening.size())] = line.substr(space + 1);
  } else if (line == "ready" && plan_.config.empty()) {
    for (const auto& [name, key] : DemoKeys()) {
      if (!base_urls_.contains(name)) {
        Fail(absl::StrCat("429chain-sim did not say where it simulates ", name));
        return;
      }
    }
    plan_.config = demo_folder_ + "/429chain.yaml";
    if (const absl::Status status = WriteTextFile(plan_.config, DemoConfig(base_urls_, demo_folder_)); !status.ok()) {
      Fail(std::string(status.message()));
      return;
    }
    StartControl();
  }
}

void Launcher::StartControl() {
  Say("starting the control plane");
  std::vector<std::string> argv = {plan_.programs.control, "--config",      plan_.config,         "--grpc-listen",
                                   plan_.grpc.ToString(),  "--http-listen", plan_.http.ToString()};
  if (!plan_.store.empty()) argv.insert(argv.end(), {"--store", plan_.store});
  Start("control", std::move(argv), [this](const std::string& line) { ShowLine("control", line); });
  polls_ = 0;
  PollControl();
}

void Launcher::PollControl() {
  if (stopping_) return;
  if (IsListening(ReachableFromHere(plan_.grpc))) {
    StartProxy();
    return;
  }
  if (++polls_ > kMostPolls) {
    Fail(absl::StrCat("the control plane does not listen on ", plan_.grpc.ToString()));
    return;
  }
  if (polls_ % kPollsOfPatience == 0) Say("still waiting for the control plane");
  timer_.expires_after(kPollEvery);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) PollControl();
  });
}

void Launcher::StartProxy() {
  Say("starting the proxy");
  std::vector<std::string> argv = {plan_.programs.proxy,
                                   "--control",
                                   ReachableFromHere(plan_.grpc).ToString(),
                                   "--listen",
                                   plan_.listen.ToString(),
                                   "--admin",
                                   plan_.admin.ToString(),
                                   "--node",
                                   "local"};
  if (options_.workers > 0) {
    argv.emplace_back("--workers");
    argv.push_back(absl::StrCat(options_.workers));
  }
  if (options_.insecure_listen) argv.emplace_back("--insecure-listen");
  Start("proxy", std::move(argv), [this](const std::string& line) { ShowLine("proxy", line); });
  polls_ = 0;
  PollReady();
}

void Launcher::PollReady() {
  if (stopping_) return;
  if (++polls_ > kMostPolls) {
    Fail(absl::StrCat("the proxy is not ready: ", last_not_ready_));
    return;
  }
  prober_->Post([this, address = ReachableFromHere(plan_.admin)] {
    HttpCall call;
    call.address = address;
    call.target = "/ready";
    const auto response = CallHttp(call);
    const bool ready = response.ok() && response->status == 200;
    std::string why = response.ok() ? std::string(TrimSpace(response->body)) : std::string(response.status().message());
    boost::asio::post(io_, [this, ready, why = std::move(why)] { OnReadyAnswer(ready, why); });
  });
}

void Launcher::OnReadyAnswer(bool ready, const std::string& why) {
  if (stopping_) return;
  if (ready) {
    Announce();
    return;
  }
  last_not_ready_ = why;
  if (polls_ % kPollsOfPatience == 0) Say(absl::StrCat("still waiting for the proxy: ", why));
  timer_.expires_after(kPollEvery);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) PollReady();
  });
}

void Launcher::Announce() {
  BannerFacts facts;
  facts.api = ReachableFromHere(plan_.listen);
  facts.admin = ReachableFromHere(plan_.admin);
  facts.grpc = ReachableFromHere(plan_.grpc);
  facts.http = ReachableFromHere(plan_.http);
  facts.chain = plan_.chain;
  facts.chains = plan_.chains;
  if (!plan_.tiers.empty())
    facts.free_tiers = absl::StrCat(ShortFreeTierTable(plan_.tiers, context_.colour), FreeTierSum(plan_.tiers));
  facts.key_variables = plan_.key_variables;
  if (plan_.state != nullptr && plan_.state->claimed()) facts.state_folder = plan_.state->path();
  facts.client_key_variable = plan_.client_key_variable;
  facts.config_file = plan_.config;
  facts.ctl_path = options_.called_as;
  facts.demo = plan_.demo;
  facts.traffic = plan_.demo && !options_.no_traffic;
  const bool json = context_.output == OutputFormat::kJson;
  *context_.out << (json ? BannerJson(facts) : Banner(facts, context_.colour)) << std::flush;
  if (!facts.traffic) return;
  traffic_ = std::make_unique<DemoTraffic>(facts.api, facts.chain, [this](std::string line) {
    boost::asio::post(io_, [this, line = std::move(line)] { ShowLine("traffic", line); });
  });
}

void Launcher::OnSignal(int signal) {
  if (signal == SIGCHLD) {
    ReapChildren();
  } else if (stopping_) {
    KillAll();
  } else {
    Say("stopping; once more to stop at once");
    BeginStop();
  }
}

void Launcher::ReapChildren() {
  // All of them: one signal may stand for several ends.
  const bool was_stopping = stopping_;
  bool ended = false;
  for (const auto& child : children_) {
    if (!child->Reap()) continue;
    ended = true;
    if (stopping_) continue;
    Fail(DeathReport(*child));
  }
  if (ended && was_stopping) StopNext();
}

void Launcher::Fail(const std::string& message) {
  if (stopping_) return;
  *context_.err << Paint("error:", Colour::kRed, colour_) << " " << message << std::endl;
  exit_code_ = kExitFailed;
  // Not at once: whoever found the fault may still be in the middle of starting something.
  boost::asio::post(io_, [this] { BeginStop(); });
  stopping_ = true;
}

void Launcher::BeginStop() {
  stopping_ = true;
  if (traffic_ != nullptr) traffic_->Stop();
  StopNext();
}

// The youngest first: the proxy finishes what is open, while what it needs still runs.
void Launcher::StopNext() {
  ChildProcess* child = LastRunning();
  if (child == nullptr) {
    signals_.reset();
    timer_.cancel();
    prober_.reset();
    traffic_.reset();
    io_.poll();  // the traffic's last words
    io_.stop();
    return;
  }
  // Asked twice, a program takes it for an order to drop everything.
  if (std::exchange(asked_, child) == child) return;
  child->Signal(SIGTERM);
  timer_.expires_after(kQuietStop);
  timer_.async_wait([this, child](const boost::system::error_code& error) {
    if (error || !child->running()) return;
    Say(absl::StrCat("waiting for ", child->label(), " to finish what is open"));
    timer_.expires_after(kStopGrace);
    timer_.async_wait([this, child](const boost::system::error_code& late) {
      if (late || !child->running()) return;
      Say(absl::StrCat(child->label(), " does not stop; killing it"));
      child->Signal(SIGKILL);
    });
  });
}

void Launcher::KillAll() {
  for (const auto& child : children_) child->Signal(SIGKILL);
}

ChildProcess* Launcher::LastRunning() const {
  for (auto child = children_.rbegin(); child != children_.rend(); ++child) {
    if ((*child)->running()) return child->get();
  }
  return nullptr;
}

void Launcher::Say(const std::string& text) {
  *context_.err << Paint(absl::StrCat("==> ", text), Colour::kBold, colour_) << std::endl;
}

void Launcher::ShowLine(const std::string& label, const std::string& line) {
  const ShownLine shown = ReadLogLine(line);
  const std::string padding(label.size() < kLabelWidth ? kLabelWidth - label.size() : 0, ' ');
  *context_.err << Paint(absl::StrCat(label, padding, " | "), LabelColour(label), colour_)
                << Paint(shown.text, LineColour(shown.weight), colour_) << std::endl;
}

}  // namespace chain429
