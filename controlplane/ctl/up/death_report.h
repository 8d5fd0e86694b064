#pragma once

#include <string>

#include "controlplane/ctl/up/child_process.h"

namespace chain429 {

// What is told of a program that ended without having been asked to: which, how, its last lines, and what may help.
// REQUIRES: !child.running()
std::string DeathReport(const ChildProcess& child);

// What may help, by how it ended ("exit status 1") and what it said last. Never empty.
std::string DeathHint(const ChildEnd& end, const std::string& label, const std::string& last_words);

}  // namespace chain429
