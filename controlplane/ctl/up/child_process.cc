#include "controlplane/ctl/up/child_process.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include "absl/strings/str_cat.h"

namespace chain429 {
namespace {

constexpr size_t kLongestLine = 4096;

// Between fork and exec: nothing that allocates or locks.
[[noreturn]] void BecomeChild(pid_t parent, int output, char* const* argv) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(127);  // the parent went before the line above
  setpgid(0, 0);
  const int null = open("/dev/null", O_RDONLY);
  dup2(null, STDIN_FILENO);
  dup2(output, STDOUT_FILENO);
  dup2(output, STDERR_FILENO);
  close_range(3, ~0U, 0);  // libraries open sockets without close-on-exec
  signal(SIGPIPE, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  execv(argv[0], argv);
  static constexpr char kWhy[] = "cannot be started\n";
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, kWhy, sizeof kWhy - 1);
  _exit(127);
}

}  // namespace

// Cuts what comes through the pipe into lines.
struct ChildProcess::Output : std::enable_shared_from_this<Output> {
  Output(boost::asio::io_context& context, int fd, LineHandler handler)
      : pipe(context, fd), on_line(std::move(handler)) {
    boost::system::error_code ignored;
    pipe.non_blocking(true, ignored);
  }

  // Waits for what there is to read rather than reading it: what an asynchronous read has taken out of the pipe, and
  // not handed over yet, ReadRest could not see.
  void Wait() {
    pipe.async_wait(pipe.wait_read, [self = shared_from_this()](const boost::system::error_code& error) {
      if (error) return;
      const boost::system::error_code read = self->ReadSome();
      if (!read || read == boost::asio::error::would_block) self->Wait();
    });
  }

  boost::system::error_code ReadSome() {
    boost::system::error_code error;
    const size_t size = pipe.read_some(boost::asio::buffer(chunk), error);
    if (!error) Take(size);
    return error;
  }

  // What is in the pipe now, without waiting.
  void ReadRest() {
    while (!ReadSome()) {
    }
    if (!partial.empty()) Emit();
  }

  void Take(size_t size) {
    for (size_t i = 0; i < size; ++i) {
      if (chunk[i] == '\n') {
        Emit();
      } else if (partial.size() < kLongestLine) {
        partial.push_back(chunk[i]);
      }
    }
  }

  void Emit() {
    const std::string line = std::move(partial);
    partial.clear();
    if (on_line) on_line(line);
  }

  boost::asio::posix::stream_descriptor pipe;
  LineHandler on_line;
  std::array<char, 4096> chunk;
  std::string partial;
};

absl::StatusOr<std::unique_ptr<ChildProcess>> ChildProcess::Start(boost::asio::io_context& context, ChildSpec spec,
                                                                  LineHandler on_line) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return absl::ResourceExhaustedError(absl::StrCat("no pipe: ", std::strerror(errno)));
  std::vector<char*> argv;
  for (std::string& argument : spec.argv) argv.push_back(argument.data());
  argv.push_back(nullptr);
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid == 0) BecomeChild(parent, ends[1], argv.data());
  close(ends[1]);
  if (pid < 0) {
    close(ends[0]);
    return absl::ResourceExhaustedError(absl::StrCat("cannot start ", spec.label, ": ", std::strerror(errno)));
  }
  std::unique_ptr<ChildProcess> child(new ChildProcess(std::move(spec), pid));
  child->output_ = std::make_shared<Output>(
      context, ends[0], [self = child.get(), on_line = std::move(on_line)](const std::string& line) {
        self->last_lines_.push_back(line);
        if (self->last_lines_.size() > kLastLines) self->last_lines_.pop_front();
        on_line(line);
      });
  child->output_->Wait();
  return child;
}

ChildProcess::ChildProcess(ChildSpec spec, pid_t pid) : spec_(std::move(spec)), pid_(pid) {}

ChildProcess::~ChildProcess() {
  output_->on_line = nullptr;
  boost::system::error_code ignored;
  output_->pipe.close(ignored);
  if (!running_) return;
  kill(-pid_, SIGKILL);
  kill(pid_, SIGKILL);  // it may not have reached its own group yet
  while (waitpid(pid_, &wait_status_, 0) < 0 && errno == EINTR) {
  }
}

void ChildProcess::Signal(int signal) {
  if (running_) kill(pid_, signal);
}

bool ChildProcess::Reap() {
  if (!running_ || waitpid(pid_, &wait_status_, WNOHANG) != pid_) return false;
  running_ = false;
  output_->ReadRest();
  return true;
}

ChildEnd ChildProcess::end() const {
  return WIFSIGNALED(wait_status_) ? ChildEnd{WTERMSIG(wait_status_), 0} : ChildEnd{0, WEXITSTATUS(wait_status_)};
}

std::string ChildProcess::EndText() const {
  const ChildEnd how = end();
  if (how.signal == 0) return absl::StrCat("exit status ", how.status);
  const char* name = sigabbrev_np(how.signal);
  return absl::StrCat("killed by signal ", how.signal, name == nullptr ? "" : absl::StrCat(" (SIG", name, ")"));
}

}  // namespace chain429
