#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "common/model/snapshot.h"

// A snapshot as a text without secrets, for a proxy that starts while its control plane is away.
namespace chain429::wire {

struct BootstrapText {
  std::string json;                // the Snapshot message as protobuf's JSON
  std::vector<std::string> notes;  // what was left out, a sentence each
};

// Keys of credentials and configured headers that look like credentials are left out; of client keys there are hashes,
// so the text is for its owner's eyes alone.
BootstrapText ToBootstrap(const Snapshot& snapshot);
// Without hashes and without any header too: for whoever may see a dump.
std::string ToRedactedBootstrap(const Snapshot& snapshot);

// Takes what the two wrote, or an object that has it as its member "bootstrap". Indexed, with version 0, so that any
// snapshot of a control plane is another one.
absl::StatusOr<Snapshot> ParseBootstrap(std::string_view text);

}  // namespace chain429::wire
