#pragma once

#include <boost/asio/ip/address.hpp>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace chain429 {

// What a name stands for, or why nothing is known of it.
struct NameAnswer {
  std::vector<boost::asio::ip::address> addresses;  // in the order of getaddrinfo (RFC 6724)
  std::string error;
};

// Blocking look-ups on a few threads, shared by all workers: one that hangs holds up only its own name, and a name that
// several workers ask for is looked up once. Any thread.
class NameLookUps {
 public:
  using Function = std::function<NameAnswer(const std::string& name)>;
  using Done = std::function<void(const NameAnswer& answer)>;
  static constexpr size_t kMaxThreads = 16;  // started as they are needed

  // `function` is called on several threads at once; by default it is getaddrinfo.
  explicit NameLookUps(Function function = nullptr);
  // Does not wait for look-ups under way: getaddrinfo cannot be interrupted. Nobody is told of their end.
  ~NameLookUps();
  // `done` is called on a thread of the look-ups and must not block.
  void Start(const std::string& name, Done done);

 private:
  struct State;
  static void Work(const std::shared_ptr<State>& state);
  const std::shared_ptr<State> state_;
};

}  // namespace chain429
