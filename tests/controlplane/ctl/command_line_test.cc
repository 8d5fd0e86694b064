#include "controlplane/ctl/command_line.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <nlohmann/json.hpp>

#include "controlplane/ctl/context.h"
#include "tests/controlplane/ctl/fake_admin.h"
#include "tests/support/temporary_folder.h"

namespace chain429 {
namespace {

using Json = nlohmann::json;

class CommandLineTest : public testing::Test {
 public:
  ~CommandLineTest() override {
    unsetenv("CHAIN429_CONTROL");
    unsetenv("CHAIN429_CONTEXT");
  }

 protected:
  CommandLineTest() {
    unsetenv("CHAIN429_CONTROL");
    setenv("CHAIN429_CONTEXT", context_folder_.File("context.yaml").c_str(), 1);
  }

  // Runs `429ctl WORDS`. What it wrote is in out_ and err_.
  int Run(std::vector<std::string> words) {
    words.insert(words.begin(), "429ctl");
    std::vector<const char*> argv;
    argv.reserve(words.size());
    for (const std::string& word : words) argv.push_back(word.c_str());
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    const int code = RunCommandLine(static_cast<int>(argv.size()), argv.data());
    out_ = testing::internal::GetCapturedStdout();
    err_ = testing::internal::GetCapturedStderr();
    return code;
  }

  const TemporaryFolder context_folder_;
  std::string out_;
  std::string err_;
};

TEST_F(CommandLineTest, HelpListsTheCommandsWithExamplesAndExitCodes) {
  EXPECT_EQ(Run({"--help"}), kExitOk);
  for (const std::string word : {"up", "init", "context", "validate", "apply", "get", "status", "chains", "proxies",
                                 "pools", "clear", "version", "--control", "--output", "Examples", "Exit codes"}) {
    EXPECT_NE(out_.find(word), std::string::npos) << word;
  }
}

TEST_F(CommandLineTest, EveryCommandHasHelpWithExamples) {
  for (const std::string command : {"up", "init", "context", "get", "validate", "apply", "status", "chains", "proxies",
                                    "pools", "clear", "version"}) {
    EXPECT_EQ(Run({command, "--help"}), kExitOk) << command;
    EXPECT_NE(out_.find("Examples:"), std::string::npos) << command;
    EXPECT_NE(out_.find("429ctl"), std::string::npos) << command;
  }
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"get", "config"}, {"context", "set"}, {"context", "show"}, {"context", "clear"}}) {
    EXPECT_EQ(Run({words[0], words[1], "--help"}), kExitOk);
    EXPECT_NE(out_.find("Examples:"), std::string::npos) << words[1];
  }
}

TEST_F(CommandLineTest, AWrongCommandLineSaysWhatIsWrong) {
  const std::vector<std::vector<std::string>> wrong = {{},
                                                       {"fly"},
                                                       {"get"},
                                                       {"context"},
                                                       {"context", "set"},
                                                       {"context", "set", "nowhere"},
                                                       {"init", "extra"},
                                                       {"validate"},
                                                       {"clear"},
                                                       {"apply"},
                                                       {"status", "--colour"},
                                                       {"-o", "yaml", "version"},
                                                       {"up", "--workers", "0"},
                                                       {"up", "--workers", "many"},
                                                       {"validate", "a", "b"},
                                                       {"--control"}};
  for (const std::vector<std::string>& words : wrong) {
    EXPECT_EQ(Run(words), kExitUsage);
    EXPECT_FALSE(err_.empty());
    EXPECT_TRUE(out_.empty()) << out_;
  }
}

TEST_F(CommandLineTest, TheVersionIsTextOrJson) {
  EXPECT_EQ(Run({"version"}), kExitOk);
  EXPECT_EQ(out_.find("429ctl "), 0u);
  const std::string version = out_;
  EXPECT_EQ(Run({"--version"}), kExitOk);
  EXPECT_EQ(out_, version);
  for (const auto& words :
       {std::vector<std::string>{"-o", "json", "version"}, {"version", "-o", "json"}, {"version", "--output=json"}}) {
    EXPECT_EQ(Run(words), kExitOk);
    EXPECT_EQ("429ctl " + Json::parse(out_).at("version").get<std::string>() + "\n", version);
  }
}

TEST_F(CommandLineTest, TheControlPlaneIsNamedByFlagElseByVariable) {
  FakeAdmin by_flag;
  by_flag.get_status.set_software_version("by-flag");
  FakeAdmin by_variable;
  by_variable.get_status.set_software_version("by-variable");
  for (const auto& words : {std::vector<std::string>{"--control", by_flag.address(), "status"},
                            {"status", "--control", by_flag.address()}}) {
    EXPECT_EQ(Run(words), kExitOk) << err_;
    EXPECT_NE(out_.find("by-flag"), std::string::npos);
  }
  setenv("CHAIN429_CONTROL", by_variable.address().c_str(), 1);
  EXPECT_EQ(Run({"status"}), kExitOk);
  EXPECT_NE(out_.find("by-variable"), std::string::npos);
  EXPECT_EQ(Run({"--control", by_flag.address(), "status"}), kExitOk);
  EXPECT_NE(out_.find("by-flag"), std::string::npos);
}

TEST_F(CommandLineTest, WhatNoFlagAndNoVariableSaysIsInTheContextFile) {
  FakeAdmin by_file;
  by_file.get_status.set_software_version("by-file");
  FakeAdmin by_variable;
  by_variable.get_status.set_software_version("by-variable");
  EXPECT_EQ(Run({"context", "set", by_file.address()}), kExitOk) << err_;
  EXPECT_NE(out_.find(by_file.address()), std::string::npos);
  EXPECT_EQ(Run({"status"}), kExitOk) << err_;
  EXPECT_NE(out_.find("by-file"), std::string::npos);
  EXPECT_EQ(Run({"-o", "json", "context", "show"}), kExitOk);
  EXPECT_EQ(Json::parse(out_).at("control"), by_file.address());
  EXPECT_EQ(Json::parse(out_).at("from"), "the context file");
  setenv("CHAIN429_CONTROL", by_variable.address().c_str(), 1);
  EXPECT_EQ(Run({"status"}), kExitOk);
  EXPECT_NE(out_.find("by-variable"), std::string::npos);
  EXPECT_EQ(Run({"context", "show"}), kExitOk);
  EXPECT_NE(out_.find(by_variable.address()), std::string::npos);
  unsetenv("CHAIN429_CONTROL");
  EXPECT_EQ(Run({"context", "clear"}), kExitOk);
  EXPECT_NE(out_.find("127.0.0.1:4292, from the usual address"), std::string::npos) << out_;
}

TEST_F(CommandLineTest, ABadContextFileStopsOnlyWhatNeedsIt) {
  context_folder_.Write("context.yaml", "control: nowhere\n");
  EXPECT_EQ(Run({"status"}), kExitUsage);
  EXPECT_NE(err_.find("context.yaml"), std::string::npos) << err_;
  EXPECT_EQ(Run({"version"}), kExitOk);
  EXPECT_EQ(Run({"--control", "127.0.0.1:1", "status"}), kExitUnreachable);
  EXPECT_EQ(Run({"context", "set", "10.0.0.1:4292"}), kExitOk) << "which mends it";
}

TEST_F(CommandLineTest, TheDefaultControlPlaneIsOnTheUsualPort) {
  EXPECT_EQ(Run({"--help"}), kExitOk);
  EXPECT_NE(out_.find("127.0.0.1:4292"), std::string::npos);
  EXPECT_EQ(CommandContext().control, "127.0.0.1:4292");
}

TEST_F(CommandLineTest, WordsReachTheirCommands) {
  const TemporaryFolder folder;
  FakeAdmin admin;
  admin.get_config.set_text("version: 1\n");
  const std::string path = folder.Write("c.yaml", "version: 1\n");
  setenv("CHAIN429_CONTROL", admin.address().c_str(), 1);
  EXPECT_EQ(Run({"validate", path}), kExitOk) << err_;
  EXPECT_EQ(Run({"apply", "-f", path, "--comment", "a second account"}), kExitOk) << err_;
  EXPECT_EQ(admin.applied.comment(), "a second account");
  EXPECT_EQ(Run({"apply", "--file", path}), kExitOk);
  EXPECT_EQ(admin.applied.comment(), "");
  EXPECT_EQ(Run({"get", "config"}), kExitOk);
  EXPECT_EQ(out_, "version: 1\n");
  EXPECT_EQ(Run({"get", "config", "-o", "json"}), kExitOk);
  EXPECT_EQ(Json::parse(out_).at("text"), "version: 1\n");
  EXPECT_EQ(Run({"pools", "groq/"}), kExitOk);
  EXPECT_EQ(admin.asked, "groq/");
  EXPECT_EQ(Run({"pools"}), kExitOk);
  EXPECT_EQ(admin.asked, "");
  EXPECT_EQ(Run({"clear", "groq/m"}), kExitOk);
  EXPECT_EQ(admin.asked, "groq/m");
  EXPECT_EQ(Run({"chains"}), kExitOk);
  EXPECT_EQ(Run({"proxies"}), kExitOk);
}

TEST_F(CommandLineTest, UpRefusesWhatContradictsItself) {
  EXPECT_EQ(Run({"up", "--demo", "--config", "c.yaml"}), kExitFailed);
  EXPECT_NE(err_.find("use either --demo or --config"), std::string::npos) << err_;
}

}  // namespace
}  // namespace chain429
