// 429chain-sim: simulated providers for tests, benchmarks and the demo.
#include <sys/resource.h>

#include <iostream>
#include <memory>

#include "boost/asio/signal_set.hpp"
#include "tests/sim/flags.h"
#include "tests/sim/port.h"

namespace chain429::sim {
namespace {

// Every stream is a descriptor; the usual 1,024 are soon gone.
void RaiseDescriptorLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

class Simulator {
 public:
  explicit Simulator(const Scenario& scenario) {
    for (const ProviderSpec& spec : scenario.providers) {
      providers_.push_back(std::make_unique<Provider>(spec, scenario.seed, clock_.start()));
    }
  }

  // Opens every port before it says anything, so that a failure prints no address.
  absl::Status Listen() {
    std::vector<std::pair<std::string, Port*>> shared;  // by the address as written
    for (const auto& provider : providers_) {
      const std::string& address = provider->spec().listen;
      Port* port = nullptr;
      for (auto& [known, candidate] : shared) {
        if (known == address) port = candidate;
      }
      if (port == nullptr) {
        ports_.push_back(std::make_unique<Port>(io_, clock_));
        port = ports_.back().get();
        if (absl::Status status = port->Listen(address); !status.ok()) return status;
        if (Sharers(address) > 1) shared.emplace_back(address, port);
      }
      std::string prefix = Sharers(address) > 1 ? "/" + provider->spec().name : "";
      port->Add(prefix, provider.get());
      lines_.push_back("listening " + provider->spec().name + " http://" + port->address() + prefix +
                       provider->spec().path);
    }
    return absl::OkStatus();
  }

  void Run() {
    for (const auto& port : ports_) port->Serve();
    for (const std::string& line : lines_) std::cout << line << "\n";
    std::cout << "ready" << std::endl;
    boost::asio::signal_set signals(io_, SIGINT, SIGTERM);
    signals.async_wait(Stop{&io_});
    io_.run();
  }

 private:
  struct Stop {
    boost::asio::io_context* io;
    void operator()(const boost::system::error_code& error, int) const {
      if (!error) io->stop();
    }
  };

  // Providers that name the same port share it; with port 0 each has a free one to itself.
  int Sharers(const std::string& address) const {
    if (address.ends_with(":0")) return 1;
    int sharers = 0;
    for (const auto& provider : providers_) sharers += provider->spec().listen == address ? 1 : 0;
    return sharers;
  }

  boost::asio::io_context io_{1};
  SimClock clock_;
  std::vector<std::unique_ptr<Provider>> providers_;
  std::vector<std::unique_ptr<Port>> ports_;
  std::vector<std::string> lines_;
};

int Main(int argc, char** argv) {
  CommandLine command = ReadCommandLine(argc, argv);
  if (!command.scenario) return command.exit_code;
  RaiseDescriptorLimit();
  Simulator simulator(*command.scenario);
  if (absl::Status status = simulator.Listen(); !status.ok()) {
    std::cerr << status.message() << std::endl;
    return 1;
  }
  simulator.Run();
  return 0;
}

}  // namespace
}  // namespace chain429::sim

int main(int argc, char** argv) { return chain429::sim::Main(argc, argv); }
