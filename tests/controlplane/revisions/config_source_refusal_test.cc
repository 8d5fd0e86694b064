// A configuration that is refused, and what goes on meanwhile.
#include <gtest/gtest.h>

#include "tests/controlplane/revisions/config_source_fixture.h"

namespace chain429 {
namespace {

using ConfigSourceRefusal = ConfigSourceTest;

TEST_F(ConfigSourceRefusal, ABadFileLeavesTheOldServing) {
  LoadFile(Chain("m"));
  const auto before = source_.snapshot();
  const LoadReport report = LoadFile("version: 1\nchainz: {}\n");
  EXPECT_FALSE(report.accepted);
  EXPECT_FALSE(report.changed);
  EXPECT_EQ(report.version, Version(101)) << "of what serves";
  EXPECT_EQ(source_.snapshot(), before);
  EXPECT_EQ(source_.accepted_text(), Chain("m"));
  ASSERT_NE(source_.config(), nullptr);
  EXPECT_EQ(source_.config()->chains[0].name, "c");
  EXPECT_EQ(source_.refused(), 1u);
  EXPECT_EQ(source_.accepted(), 1u);
}

TEST_F(ConfigSourceRefusal, ReportsEveryErrorWithItsPlaceInOneRun) {
  LoadFile(Chain("m"));
  const LoadReport report = LoadFile(
      "version: 1\n"
      "providers:\n"
      "  groq: {kind: grok, credentials: [{name: main, env: K1}]}\n"
      "chains:\n"
      "  c:\n"
      "    targets:\n"
      "      - {provider: gorq, model: m}\n"
      "    max_attempts: 0\n"
      "    timeouts: {idle: 3}\n");
  EXPECT_FALSE(report.accepted);
  std::vector<std::string> places;
  places.reserve(report.problems.size());
  for (const ConfigProblem& problem : report.problems) {
    places.push_back(std::to_string(problem.at.line) + ":" + std::to_string(problem.at.column) + " " + problem.path);
  }
  EXPECT_EQ(places, (std::vector<std::string>{"3:16 providers.groq.kind", "7:20 chains.c.targets[0].provider",
                                              "8:19 chains.c.max_attempts", "9:22 chains.c.timeouts.idle"}));
  EXPECT_EQ(report.problems[0].suggestion, "groq");
  EXPECT_EQ(report.problems[1].suggestion, "groq");
  // The same for people, a line each.
  for (const std::string line :
       {"c.yaml:3:16: error: ", "c.yaml:7:20: error: ", "c.yaml:8:19: error: ", "c.yaml:9:22: error: "}) {
    EXPECT_NE(source_.last_error().find(line), std::string::npos) << source_.last_error();
  }
}

TEST_F(ConfigSourceRefusal, WhatIsWrongIsToldWithItsCauseAndGoesWhenTheFileIsMended) {
  LoadFile(Chain("m"));
  LoadFile(
      "version: 1\n"
      "providers: {g: {kind: groq, credentials: [{name: main, env: MISSING}]}}\n"
      "chains: {c: {targets: [{provider: g, model: m}]}}\n");
  EXPECT_EQ(source_.last_error(),
            "c.yaml:2:61: warning: providers.g.credentials[0].env: the environment variable \"MISSING\" is not set: "
            "credential "
            "\"main\" of \"g\" is disabled\n"
            "c.yaml:3:10: error: chains.c: the chain has no usable target: no target has a usable credential\n");
  EXPECT_EQ(Serving(), "m");
  LoadFile(Chain("n"));
  EXPECT_EQ(source_.last_error(), "");
  EXPECT_EQ(Serving(), "n");
  EXPECT_EQ(source_.snapshot()->version, Version(102));
}

TEST_F(ConfigSourceRefusal, AFileThatHasGoneLeavesTheOldServingAndIsNamed) {
  LoadFile(Chain("m"));
  world_.files.erase("c.yaml");
  const LoadReport report = source_.Reload();
  EXPECT_FALSE(report.accepted);
  EXPECT_EQ(source_.last_error(), "c.yaml: error: the configuration cannot be read: No such file or directory\n");
  EXPECT_EQ(Serving(), "m");
}

TEST_F(ConfigSourceRefusal, AFileThatIsTooLargeIsRefused) {
  LoadFile(Chain("m"));
  const std::string comment(size_t{2} << 20, '#');
  EXPECT_FALSE(LoadFile(Chain("n") + comment).accepted);
  EXPECT_EQ(Serving(), "m");
  EXPECT_NE(source_.last_error().find("c.yaml"), std::string::npos);
}

TEST_F(ConfigSourceRefusal, AFirstFileThatIsBadServesNothing) {
  EXPECT_FALSE(LoadFile("version: 2\n").accepted);
  EXPECT_EQ(source_.config(), nullptr);
  EXPECT_EQ(source_.snapshot()->version, Version(100));
  EXPECT_TRUE(LoadFile(Chain("m")).changed);
}

TEST_F(ConfigSourceRefusal, ARefusedTextLeavesTheFileInItsPlace) {
  LoadFile(Chain("m"));
  const LoadReport report = source_.Load("version: 1\nchainz: {}\n", "api.yaml");
  EXPECT_FALSE(report.accepted);
  EXPECT_EQ(report.file, "api.yaml");
  EXPECT_NE(FormatProblems(report.file, report.problems).find("api.yaml:2:1: error: "), std::string::npos);
  EXPECT_EQ(source_.last_error(), "") << "nothing on disk is wrong";
  EXPECT_EQ(source_.refused(), 0u);
  EXPECT_EQ(source_.texts_refused(), 1u);
  EXPECT_EQ(source_.name(), "c.yaml");
  EXPECT_EQ(source_.accepted_text(), Chain("m"));
  EXPECT_EQ(source_.ReadNow(), source_.taken()) << "nothing to reload";
  world_.files["c.yaml"] = Chain("n");
  EXPECT_NE(source_.ReadNow(), source_.taken()) << "the file is still watched";
  EXPECT_TRUE(source_.Reload().changed);
  EXPECT_EQ(Serving(), "n");
}

TEST_F(ConfigSourceRefusal, WhileAFileIsRefusedTheSecretsOfWhatServesAreStillTaken) {
  world_.files["/run/key"] = "key-before-1\n";
  LoadFile(Keyed("file: /run/key"));
  EXPECT_FALSE(LoadFile("version: 1\nchainz: {}\n").changed);
  world_.files["/run/key"] = "key-after-22\n";
  EXPECT_NE(source_.ReadNow(), source_.taken()) << "it is still watched";
  const LoadReport report = source_.Reload();
  EXPECT_FALSE(report.accepted);
  EXPECT_TRUE(report.changed);
  EXPECT_EQ(report.version, Version(102));
  EXPECT_EQ(report.changes, (std::vector<std::string>{"changed the contents of secrets"}));
  EXPECT_EQ(source_.snapshot()->providers[0].credentials[0].key.Reveal(), "key-after-22");
  EXPECT_NE(source_.last_error(), "") << "the file is no better for it";
  EXPECT_EQ(source_.ReadNow(), source_.taken());
  EXPECT_FALSE(source_.Reload().changed);
}

TEST_F(ConfigSourceRefusal, AlsoWhileTheFileIsAway) {
  world_.files["/run/key"] = "key-before-1\n";
  LoadFile(Keyed("file: /run/key"));
  world_.files.erase("c.yaml");
  source_.Reload();
  world_.files["/run/key"] = "key-after-22\n";
  EXPECT_TRUE(source_.Reload().changed);
  EXPECT_EQ(source_.snapshot()->providers[0].credentials[0].key.Reveal(), "key-after-22");
}

// Keys where names belong, and secrets that are wrong: whatever comes of them, no text repeats them.
TEST_F(ConfigSourceRefusal, NoErrorWarningOrChangeEverHoldsASecret) {
  const std::string key = "gsk_Abcdefghij0123456789Abcdefghij0123456789";
  world_.variables = {{"GOOD", key}, {"BROKEN", key + " x"}};
  world_.files = {{"/good", key + "\n"}, {"/broken", key + "\n\n"}};
  const std::string head = "version: 1\nproviders:\n  g:\n    kind: groq\n";
  const std::string texts[] = {
      head + "    credentials: [{name: main, env: " + key + "}]\n",
      head + "    credentials: [{name: main, key: " + key + "}]\n",
      head + "    credentials: [" + key + "]\n",
      head + "    credentials: " + key + "\n",
      head + "    credentials: [{name: " + key + ", env: GOOD}]\n",
      head + "    credentials: [{name: main, file: " + key + "}]\n",
      head + "    credentials: [{name: main, env: BROKEN}]\n",
      head + "    credentials: [{name: main, file: /broken}]\n",
      head + "    credentials: [{name: main, env: GOOD}]\n    headers: {authorization: Bearer " + key + "}\n",
      head + "    credentials: [{name: main, env: GOOD}]\n    api_key: " + key + "\n",
      head + "    credentials: [{name: main, env: GOOD}]\n    base_url: https://user:" + key + "@groq.example/v1\n",
      head + "    credentials: [{name: main, env: GOOD, pool: " + key + "}]\n",
      head +
          "    credentials: [{name: main, env: GOOD}]\nauth: {client_keys: [{name: app, env: GOOD}, {name: b, file: "
          "/good}]}\n",
      head + "    credentials: [{name: main, env: GOOD}]\nauth: {client_keys: [" + key + "]}\n",
      head + "    credentials: [{name: main, env: GOOD}]\nauth: " + key + "\n",
      head + "    credentials: [{name: main, file: /good}]\n",
      key,
      "version: " + key + "\n",
      "version: 1\n" + key + ": 1\n",
  };
  for (const std::string& text : texts) {
    const LoadReport report = LoadFile(text);
    std::string said = FormatProblems(report.file, report.problems) + source_.last_error();
    for (const std::string& change : report.changes) said += change + "\n";
    EXPECT_EQ(said.find("0123456789"), std::string::npos) << text << "\n" << said;
  }
}

}  // namespace
}  // namespace chain429
