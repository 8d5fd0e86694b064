#pragma once

#include <atomic>
#include <cstddef>
#include <optional>
#include <vector>

namespace chain429 {

// How many client connections the process may have, and which worker a new one goes to. The kernel spreads connections
// over the workers' listeners by a hash, which is even for thousands and not for the few dozen long-lived ones of a
// service: one worker may get most of them while others rest. So a worker that has clearly more than another hands a
// new connection on. Shared by all workers, touched once at a connection's beginning and end; any thread.
class Admission {
 public:
  Admission(size_t workers, size_t max_connections);

  // For a connection that `worker` has accepted: the worker that shall have it, counted there; nullopt: there is no
  // room.
  std::optional<size_t> Admit(size_t worker);
  void Leave(size_t worker);
  size_t max_connections() const { return max_connections_; }

  // What a process with this limit of open files may have: each open request takes a second one, for its provider, so
  // that a quarter of the limit is kept for those, for files and for the planes' own connections.
  static size_t Within(size_t file_limit) { return file_limit - file_limit / 4; }
  // The limit that so many connections need.
  static size_t FilesFor(size_t connections) { return connections + (connections + 2) / 3; }

 private:
  struct alignas(64) Place {
    std::atomic<size_t> open{0};
  };
  const size_t max_connections_;
  std::vector<Place> places_;
};

}  // namespace chain429
