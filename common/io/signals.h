#pragma once

#include <functional>
#include <memory>
#include <vector>

namespace boost::asio {
class io_context;  // NOLINT(readability-identifier-naming): Boost's name
}

namespace chain429 {

// Delivers signals (SIGTERM, SIGINT, SIGHUP, …) to an io_context, on its thread, as often as they come. Belongs to that
// thread once it runs. While this lives the signals' default action does not happen.
class Signals {
 public:
  using Handler = std::function<void(int signal)>;
  Signals(boost::asio::io_context& context, const std::vector<int>& signals, Handler handler);
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

// Writing to a connection whose other end has gone is an error code, not the end of the process. Once, from main.
void IgnoreBrokenPipes();

}  // namespace chain429
