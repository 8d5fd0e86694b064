#pragma once

#include <functional>
#include <memory>
#include <string>

namespace boost::asio {
class io_context;  // NOLINT(readability-identifier-naming): Boost's name
}

namespace chain429 {

// A thread that runs one io_context: what a plane does beside its request path (admin port, timers, files). Work is
// handed over by Post, from any thread; what is posted runs in order, on the loop's thread, and must not throw.
class Loop {
 public:
  // The thread starts at once; `name` (at most 15 bytes) is what `top -H` shows.
  explicit Loop(const std::string& name);
  // Stops and joins; not from the loop's own thread.
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  boost::asio::io_context& context();
  void Post(std::function<void()> work);
  // Runs `work` on the loop and waits for its end. From the loop's own thread it runs at once.
  void Run(std::function<void()> work);
  // What has not begun is dropped, and its captures are destroyed with the Loop. Any thread; more than once is
  // harmless.
  void Stop();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace chain429
