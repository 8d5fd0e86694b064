#pragma once

#include <sys/types.h>

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace boost::asio {
class io_context;
}

namespace chain429 {

struct ChildSpec {
  std::string label;              // "proxy": how people know it
  std::vector<std::string> argv;  // argv[0]: the program's path
};

// How a program ended: by a signal, or with a status.
struct ChildEnd {
  int signal = 0;  // 0: by itself
  int status = 0;
};

// A program that this one started: in a process group of its own (the terminal's Ctrl-C reaches only the parent, which
// stops its children in order), killed by the kernel should the parent vanish, its output read line by line. Belongs to
// the io_context's thread, which must be the main thread: the kernel's promise is bound to the thread that forked.
class ChildProcess {
 public:
  static constexpr size_t kLastLines = 12;
  using LineHandler = std::function<void(const std::string& line)>;

  // `on_line` gets what the child writes to standard output and error; lines above 4 KiB are cut.
  static absl::StatusOr<std::unique_ptr<ChildProcess>> Start(boost::asio::io_context& context, ChildSpec spec,
                                                             LineHandler on_line);
  // Kills it, if it still runs, and waits for its end.
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  const std::string& label() const { return spec_.label; }
  pid_t pid() const { return pid_; }
  bool running() const { return running_; }
  void Signal(int signal);
  // After SIGCHLD. True when it has ended just now; its output up to then has gone to the handler.
  bool Reap();
  // REQUIRES: !running()
  ChildEnd end() const;
  // "exit status 1", "killed by signal 9 (SIGKILL)". REQUIRES: !running()
  std::string EndText() const;
  const std::deque<std::string>& last_lines() const { return last_lines_; }

 private:
  struct Output;
  ChildProcess(ChildSpec spec, pid_t pid);

  const ChildSpec spec_;
  const pid_t pid_;
  bool running_ = true;
  int wait_status_ = 0;
  std::deque<std::string> last_lines_;
  std::shared_ptr<Output> output_;
};

}  // namespace chain429
