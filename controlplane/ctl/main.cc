// 429ctl: applies configurations, shows the state of the fleet, starts both planes locally.
#include <exception>
#include <iostream>

#include "controlplane/ctl/command_line.h"
#include "controlplane/ctl/context.h"

int main(int argc, char** argv) {
  try {
    return chain429::RunCommandLine(argc, argv);
  } catch (const std::exception& failure) {
    std::cerr << "error: " << failure.what() << "\n";
    return chain429::kExitFailed;
  }
}
