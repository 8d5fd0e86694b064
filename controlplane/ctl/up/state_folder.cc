#include "controlplane/ctl/up/state_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"

namespace chain429 {
namespace {

absl::Status FolderError(const std::string& what, const std::string& path) {
  return absl::PermissionDeniedError(absl::StrCat("cannot ", what, " ", path, ": ", std::strerror(errno),
                                                  ".\n--state DIR or XDG_STATE_HOME names another place."));
}

absl::Status MakeFolders(const std::string& path) {
  for (size_t slash = path.find('/', 1); slash != std::string::npos; slash = path.find('/', slash + 1))
    mkdir(path.substr(0, slash).c_str(), 0755);
  if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return FolderError("make the folder", path);
  struct stat status;
  if (stat(path.c_str(), &status) != 0) return FolderError("make the folder", path);
  errno = ENOTDIR;
  return S_ISDIR(status.st_mode) ? absl::OkStatus() : FolderError("make the folder", path);
}

}  // namespace

absl::StatusOr<std::unique_ptr<StateFolder>> StateFolder::Open(const std::string& path) {
  if (path.empty())
    return absl::NotFoundError("there is no place to keep state: set HOME or XDG_STATE_HOME, or use --state DIR.");
  RETURN_IF_ERROR(MakeFolders(path));
  const std::string lock_file = absl::StrCat(path, "/up.lock");
  const int lock = open(lock_file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock < 0) return FolderError("write", lock_file);
  return std::unique_ptr<StateFolder>(new StateFolder(path, lock));
}

StateFolder::StateFolder(std::string path, int lock)
    : path_(std::move(path)), lock_(lock), claimed_(flock(lock, LOCK_EX | LOCK_NB) == 0) {}

StateFolder::~StateFolder() { close(lock_); }

std::string StateFolder::ConfigFile() const { return absl::StrCat(path_, "/429chain.yaml"); }
std::string StateFolder::StoreFile() const { return absl::StrCat(path_, "/state.db"); }

std::string DefaultStateFolder() {
  const char* state = std::getenv("XDG_STATE_HOME");
  if (state != nullptr && *state == '/') return absl::StrCat(state, "/429chain");
  const char* home = std::getenv("HOME");
  return home != nullptr && *home == '/' ? absl::StrCat(home, "/.local/state/429chain") : "";
}

}  // namespace chain429
