#include "controlplane/ctl/up/death_report.h"

#include <csignal>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/text.h"
#include "controlplane/ctl/up/log_line.h"

namespace chain429 {
namespace {

constexpr int kNotStarted = 127;

}  // namespace

std::string DeathReport(const ChildProcess& child) {
  std::string message = absl::StrCat(child.label(), " has ended unasked: ", child.EndText());
  std::string words;
  for (const std::string& line : child.last_lines()) absl::StrAppend(&words, "\n    ", ReadLogLine(line).text);
  if (!words.empty()) absl::StrAppend(&message, "\nits last lines:", words);
  return absl::StrCat(message, "\nhint: ", DeathHint(child.end(), child.label(), words));
}

std::string DeathHint(const ChildEnd& end, const std::string& label, const std::string& last_words) {
  if (end.signal == SIGKILL)
    return "somebody killed it, perhaps the system for want of memory: dmesg | tail would say so";
  if (end.signal == SIGTERM || end.signal == SIGINT) return "somebody stopped it; stop all with Ctrl-C here";
  if (end.signal != 0) return "that is a fault of the program itself: please report it with these lines";
  if (end.status == kNotStarted) return "it could not be started: build it with ./dev build";
  const std::string words = LowerAscii(last_words);
  if (absl::StrContains(words, "in use"))
    return "another program took its port; --listen, --admin, --grpc-listen and --http-listen choose others";
  if (absl::StrContains(words, "--store") || absl::StrContains(words, "sqlite"))
    return "its state cannot be used: --state DIR names another folder";
  if (absl::StrContains(words, "not loopback") || absl::StrContains(words, "insecure"))
    return "beyond loopback it wants client keys (auth: client_keys), or --insecure-listen";
  return label == "control" ? "its lines say what it did not like; 429ctl validate FILE checks a configuration"
                            : "its lines say what it did not like; 429chain-" + label + " --help lists its flags";
}

}  // namespace chain429
