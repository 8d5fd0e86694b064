#pragma once

#include <gtest/gtest.h>

#include <string>

#include "controlplane/revisions/config_source.h"
#include "tests/controlplane/revisions/revisions_fixture.h"

namespace chain429 {

// A source in a world of its own, whose first snapshot has version 100.
class ConfigSourceTest : public testing::Test {
 protected:
  // One provider without credentials, and one chain `c` of its `model`.
  static std::string Chain(const std::string& model) {
    return "version: 1\n"
           "providers: {mine: {kind: openai, base_url: 'http://127.0.0.1:1/v1'}}\n"
           "chains: {c: {targets: [{provider: mine, model: " +
           model + "}]}}\n";
  }

  // One provider with one credential, and no chain that would need it.
  static std::string Keyed(const std::string& source) {
    return "version: 1\n"
           "providers:\n"
           "  g: {kind: groq, credentials: [{name: main, " +
           source + "}]}\n";
  }

  LoadReport LoadFile(const std::string& text) {
    world_.files["c.yaml"] = text;
    return source_.LoadFile("c.yaml");
  }

  // The model of the first target that serves.
  std::string Serving() const {
    return source_.snapshot()->targets.empty() ? "" : source_.snapshot()->targets[0].model;
  }

  FakeWorld world_;
  ConfigSource source_{{&KnownKinds(), KnownZones, world_.environment(), Version(100)}};
};

}  // namespace chain429
