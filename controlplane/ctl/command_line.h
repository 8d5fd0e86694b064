#pragma once

namespace chain429 {

// 429ctl's command line: reads it, runs the command it names, returns the exit code.
int RunCommandLine(int argc, const char* const* argv);

}  // namespace chain429
