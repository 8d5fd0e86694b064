// 429ctl: applies configurations, shows the state of the fleet, starts both planes locally.
#include <fcntl.h>
#include <unistd.h>

#include <exception>
#include <iostream>

#include "controlplane/ctl/command_line.h"
#include "controlplane/ctl/context.h"

namespace {

// Started without standard streams (`429ctl up <&-`), files and pipes would take their numbers.
void OpenStandardStreams() {
  for (int fd = open("/dev/null", O_RDWR); fd >= 0; fd = open("/dev/null", O_RDWR)) {
    if (fd <= STDERR_FILENO) continue;
    close(fd);
    return;
  }
}

}  // namespace

int main(int argc, char** argv) {
  OpenStandardStreams();
  try {
    return chain429::RunCommandLine(argc, argv);
  } catch (const std::exception& failure) {
    std::cerr << "error: " << failure.what() << "\n";
    return chain429::kExitFailed;
  }
}
