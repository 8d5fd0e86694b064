#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "absl/status/status.h"
#include "common/io/loop.h"
#include "common/io/signals.h"
#include "controlplane/ctl/context.h"
#include "controlplane/ctl/up/child_process.h"
#include "controlplane/ctl/up/plan.h"
#include "controlplane/ctl/up/traffic.h"

namespace chain429 {

// Carries a plan out: simulator, control plane, proxy, each started when the one before it answers; then the banner and
// the demo's traffic; then waits for a signal or for a child's end, and stops all in the reverse order. Main thread
// only.
class Launcher {
 public:
  Launcher(const CommandContext& context, const UpOptions& options, UpPlan plan);
  ~Launcher();
  Launcher(const Launcher&) = delete;
  Launcher& operator=(const Launcher&) = delete;

  // Returns the exit code once everything has stopped.
  int Run();

 private:
  absl::Status PrepareDemo();
  void Start(const std::string& label, std::vector<std::string> argv, std::function<void(const std::string&)> on_line);
  void StartSimulator();
  void OnSimulatorLine(const std::string& line);
  void StartControl();
  void StartProxy();
  void PollControl();
  void PollReady();
  void OnReadyAnswer(bool ready, const std::string& why);
  void Announce();

  void OnSignal(int signal);
  void ReapChildren();
  void Fail(const std::string& message);
  void BeginStop();
  void StopNext();
  void KillAll();

  void Say(const std::string& text);
  void ShowLine(const std::string& label, const std::string& line);
  ChildProcess* LastRunning() const;

  const CommandContext context_;
  const UpOptions options_;
  UpPlan plan_;
  const bool colour_;  // of the error stream
  std::string demo_folder_;
  std::map<std::string, std::string> base_urls_;  // of the simulated providers

  boost::asio::io_context io_{1};
  boost::asio::steady_timer timer_{io_};
  std::unique_ptr<Signals> signals_;
  std::vector<std::unique_ptr<ChildProcess>> children_;  // in the order of their start
  std::unique_ptr<DemoTraffic> traffic_;
  const ChildProcess* asked_ = nullptr;  // to stop, and has not yet
  std::string last_not_ready_;
  int polls_ = 0;
  bool stopping_ = false;
  int exit_code_ = 0;
  std::unique_ptr<Loop> prober_;  // blocking look-ups; its work posts to io_, so it goes first
};

}  // namespace chain429
