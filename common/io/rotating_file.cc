#include "common/io/rotating_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/base/text.h"

namespace chain429 {
namespace {

constexpr int kTriesToLock = 100;
constexpr useconds_t kBetweenTries = 1000;  // microseconds

absl::Status Failed(const char* what, const std::string& path) {
  return absl::UnavailableError(absl::StrCat(path, ": cannot be ", what, ": ", std::strerror(errno)));
}

// Another process holds the lock for the moment that a rename takes. A stopped one must not stop us too, so after a
// while it goes without: the worst of it is a line in a file that is just being thrown away.
class FileLock {
 public:
  FileLock(int fd, int kind) : fd_(fd) {
    for (int i = 0; i < kTriesToLock && !held_; ++i) {
      if (i > 0) usleep(kBetweenTries);
      held_ = flock(fd_, kind | LOCK_NB) == 0;
    }
  }
  ~FileLock() {
    if (held_) flock(fd_, LOCK_UN);
  }
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;
  bool held() const { return held_; }

 private:
  const int fd_;
  bool held_ = false;
};

}  // namespace

absl::StatusOr<std::unique_ptr<RotatingFile>> RotatingFile::Open(Options options) {
  std::unique_ptr<RotatingFile> file(new RotatingFile(std::move(options)));
  RETURN_IF_ERROR(file->Reopen());
  return file;
}

RotatingFile::~RotatingFile() {
  if (fd_ >= 0) close(fd_);
}

absl::Status RotatingFile::Reopen() {
  // Prompts may stand in it: not for everybody.
  const int fd = open(options_.path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
  if (fd < 0) return Failed("opened", options_.path);
  if (fd_ >= 0) close(fd_);
  fd_ = fd;
  return absl::OkStatus();
}

bool RotatingFile::IsCurrent() const {
  struct stat path{};
  struct stat open_file{};
  return stat(options_.path.c_str(), &path) == 0 && fstat(fd_, &open_file) == 0 && path.st_dev == open_file.st_dev &&
         path.st_ino == open_file.st_ino;
}

int64_t RotatingFile::Size() const {
  struct stat file{};
  // What is no file, such as /dev/null or a pipe, never becomes full.
  return fstat(fd_, &file) == 0 && S_ISREG(file.st_mode) ? static_cast<int64_t>(file.st_size) : 0;
}

absl::Status RotatingFile::SetAside() {
  {
    const FileLock lock(fd_, LOCK_EX);
    // Without the lock somebody writes: then the next write tries again.
    if (!lock.held()) return absl::OkStatus();
    if (IsCurrent() && Size() >= options_.most_bytes) {
      const auto numbered = [this](int64_t n) { return absl::StrCat(options_.path, ".", n); };
      for (int64_t n = options_.keep; n > 1; --n) std::rename(numbered(n - 1).c_str(), numbered(n).c_str());
      const bool moved = options_.keep > 0 ? std::rename(options_.path.c_str(), numbered(1).c_str()) == 0
                                           : std::remove(options_.path.c_str()) == 0;
      if (!moved) return Failed("set aside", options_.path);
    }
  }
  return Reopen();
}

absl::Status RotatingFile::Append(std::string_view& lines) {
  while (!lines.empty()) {
    if (!IsCurrent()) RETURN_IF_ERROR(Reopen());
    if (Size() >= options_.most_bytes) RETURN_IF_ERROR(SetAside());
    const FileLock lock(fd_, LOCK_SH);
    if (lock.held() && !IsCurrent()) continue;  // moved between the two
    // Up to the line that makes it full.
    const size_t room = static_cast<size_t>(std::max<int64_t>(options_.most_bytes - Size(), 1));
    size_t size = lines.size();
    if (size > room) {
      const size_t end = lines.find('\n', room - 1);
      size = end == std::string_view::npos ? size : end + 1;
    }
    size_t done = 0;
    while (done < size) {
      const ssize_t written = write(fd_, lines.data() + done, size - done);
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) {
        const absl::Status failed = Failed("written to", options_.path);
        lines.remove_prefix(done);
        return failed;
      }
      done += static_cast<size_t>(written);
    }
    lines.remove_prefix(size);
  }
  return absl::OkStatus();
}

}  // namespace chain429
