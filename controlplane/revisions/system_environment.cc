#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "controlplane/revisions/environment.h"

namespace chain429 {
namespace {

// Does not block where the path is a pipe that nobody writes to.
class OpenFile {
 public:
  explicit OpenFile(const std::string& path) : fd_(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  ~OpenFile() {
    if (fd_ >= 0) close(fd_);
  }
  int fd() const { return fd_; }

 private:
  const int fd_;
};

absl::Status Failed(int error) { return absl::UnavailableError(std::strerror(error)); }

absl::StatusOr<std::string> ReadFile(const std::string& path, size_t limit) {
  const OpenFile file(path);
  if (file.fd() < 0) return Failed(errno);
  struct stat status;
  if (fstat(file.fd(), &status) != 0) return Failed(errno);
  if (S_ISDIR(status.st_mode)) return Failed(EISDIR);
  // It will be read again and again, which only a file bears.
  if (!S_ISREG(status.st_mode)) return absl::InvalidArgumentError("it is not a regular file");
  std::string contents;
  char buffer[16384];
  while (contents.size() <= limit) {
    const ssize_t got = read(file.fd(), buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Failed(errno);
    if (got == 0) return contents;
    contents.append(buffer, static_cast<size_t>(got));
  }
  return absl::OutOfRangeError(absl::StrCat("it is longer than ", limit, " bytes"));
}

}  // namespace

Environment SystemEnvironment() {
  Environment environment;
  environment.variable = [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
  };
  environment.file = ReadFile;
  return environment;
}

}  // namespace chain429
