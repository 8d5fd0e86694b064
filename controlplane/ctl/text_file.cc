#include "controlplane/ctl/text_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace chain429 {
namespace {

constexpr size_t kLargestFile = size_t{16} << 20;

absl::Status FileError(const std::string& what, const std::string& path) {
  return absl::NotFoundError(absl::StrCat("cannot ", what, " ", path, ": ", std::strerror(errno)));
}

// Reads to the end of `fd`, which stays open.
absl::StatusOr<std::string> ReadAll(int fd, const std::string& path) {
  std::string text;
  char chunk[65536];
  while (true) {
    const ssize_t size = read(fd, chunk, sizeof chunk);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return FileError("read", path);
    if (size == 0) return text;
    text.append(chunk, static_cast<size_t>(size));
    if (text.size() > kLargestFile) return absl::InvalidArgumentError(absl::StrCat(path, " is larger than 16 MiB"));
  }
}

}  // namespace

absl::StatusOr<std::string> ReadTextFile(const std::string& path) {
  if (path == "-") return ReadAll(STDIN_FILENO, "standard input");
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return FileError("read", path);
  auto text = ReadAll(fd, path);
  close(fd);
  return text;
}

absl::Status WriteTextFile(const std::string& path, const std::string& text) {
  const std::string beside = absl::StrCat(path, ".", getpid(), ".new");
  const int fd = open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return FileError("write", beside);
  size_t done = 0;
  bool good = true;
  while (good && done < text.size()) {
    const ssize_t size = write(fd, text.data() + done, text.size() - done);
    good = size > 0 || (size < 0 && errno == EINTR);
    if (size > 0) done += static_cast<size_t>(size);
  }
  good = good && fsync(fd) == 0;
  absl::Status status = good ? absl::OkStatus() : FileError("write", beside);
  close(fd);
  if (status.ok() && std::rename(beside.c_str(), path.c_str()) != 0) status = FileError("write", path);
  if (!status.ok()) unlink(beside.c_str());
  return status;
}

}  // namespace chain429
