#include "controlplane/revisions/config_source.h"

#include <gtest/gtest.h>

#include "tests/controlplane/revisions/config_source_fixture.h"

namespace chain429 {
namespace {

using Strings = std::vector<std::string>;

TEST_F(ConfigSourceTest, ServesAnEmptySnapshotUntilTheFirstLoad) {
  ASSERT_NE(source_.snapshot(), nullptr);
  EXPECT_EQ(source_.snapshot()->version, Version(100));
  EXPECT_TRUE(source_.snapshot()->chains.empty());
  EXPECT_EQ(source_.config(), nullptr);
  EXPECT_EQ(source_.name(), "");
  EXPECT_EQ(source_.accepted_text(), "");
  EXPECT_TRUE(source_.taken().empty());
}

TEST_F(ConfigSourceTest, TheFirstGoodFileIsANewSnapshot) {
  const LoadReport report = LoadFile(Chain("m"));
  EXPECT_TRUE(report.accepted);
  EXPECT_TRUE(report.changed);
  EXPECT_EQ(report.version, Version(101));
  EXPECT_EQ(report.file, "c.yaml");
  EXPECT_TRUE(report.problems.empty());
  EXPECT_TRUE(report.changes.empty()) << "there is nothing that it differs from";
  EXPECT_EQ(source_.snapshot()->version, Version(101));
  EXPECT_EQ(Serving(), "m");
  EXPECT_EQ(source_.name(), "c.yaml");
  EXPECT_EQ(source_.accepted_text(), Chain("m"));
  EXPECT_EQ(source_.accepted(), 1u);
  EXPECT_EQ(source_.refused(), 0u);
}

TEST_F(ConfigSourceTest, AChangedFileIsANewVersionThatSaysWhatChanged) {
  LoadFile(Chain("m"));
  const auto before = source_.snapshot();
  world_.files["c.yaml"] = Chain("n");
  const LoadReport report = source_.Reload();
  EXPECT_TRUE(report.changed);
  EXPECT_EQ(report.version, Version(102));
  EXPECT_EQ(report.changes, (Strings{"changed chains.c.targets[0].model: m -> n"}));
  EXPECT_EQ(Serving(), "n");
  EXPECT_EQ(before->targets[0].model, "m") << "who still holds the old one sees it unchanged";
}

TEST_F(ConfigSourceTest, WhatMeansTheSameIsTakenWithoutANewVersion) {
  LoadFile(Chain("m"));
  const auto before = source_.snapshot();
  for (const std::string& text : {Chain("m"), "# a comment\n" + Chain("m"), Chain("'m'")}) {
    world_.files["c.yaml"] = text;
    const LoadReport report = source_.Reload();
    EXPECT_TRUE(report.accepted);
    EXPECT_FALSE(report.changed);
    EXPECT_EQ(report.version, Version(101));
    EXPECT_EQ(source_.snapshot(), before);
    EXPECT_EQ(source_.accepted_text(), text);
  }
  world_.files["c.yaml"] = Chain("n");
  EXPECT_EQ(source_.Reload().version, Version(102)) << "versions that nobody saw are not used up";
}

TEST_F(ConfigSourceTest, AChangedSecretIsANewVersionThatDoesNotShowIt) {
  world_.variables["K1"] = "key-before-1";
  LoadFile(Keyed("env: K1"));
  world_.variables["K1"] = "key-after-22";
  const LoadReport report = source_.Reload();
  EXPECT_TRUE(report.changed);
  EXPECT_EQ(report.version, Version(102));
  EXPECT_EQ(report.changes, (Strings{"changed the contents of secrets"}));
  EXPECT_EQ(source_.snapshot()->providers[0].credentials[0].key.Reveal(), "key-after-22");
}

TEST_F(ConfigSourceTest, ASecretThatAppearsMakesItsCredentialUsable) {
  LoadFile(Keyed("file: /run/key"));
  EXPECT_FALSE(source_.snapshot()->providers[0].credentials[0].usable);
  ASSERT_EQ(source_.warnings().size(), 1u);
  EXPECT_NE(source_.warnings()[0].message.find("/run/key"), std::string::npos);
  world_.files["/run/key"] = "key-one-11111\n";
  EXPECT_TRUE(source_.Reload().changed);
  EXPECT_EQ(source_.snapshot()->providers[0].credentials[0].key.Reveal(), "key-one-11111");
  EXPECT_TRUE(source_.warnings().empty());
}

TEST_F(ConfigSourceTest, WarningsAreReportedAndKeptWhileItServes) {
  const LoadReport report = LoadFile(Keyed("env: GROQ_API_KEY"));
  ASSERT_EQ(report.problems.size(), 1u);
  EXPECT_EQ(report.problems[0].severity, Severity::kWarning);
  EXPECT_EQ(FormatProblem(report.file, report.problems[0]),
            "c.yaml:3:51: warning: providers.g.credentials[0].env: the environment variable \"GROQ_API_KEY\" is not "
            "set: credential "
            "\"main\" of \"g\" is disabled");
  EXPECT_EQ(source_.last_error(), "") << "a warning refuses nothing";
  EXPECT_EQ(source_.warnings().size(), 1u);
  world_.files["c.yaml"] = "version: 2\n";
  source_.Reload();
  EXPECT_EQ(source_.warnings().size(), 1u) << "of the configuration that serves";
}

TEST_F(ConfigSourceTest, ATextIsTakenLikeAFileAndItsNameTellsJsonFromYaml) {
  LoadReport report = source_.Load(Chain("m"), "api.yaml");
  EXPECT_TRUE(report.changed);
  EXPECT_EQ(report.file, "api.yaml");
  EXPECT_EQ(source_.name(), "api.yaml");
  EXPECT_EQ(Serving(), "m");
  report =
      source_.Load(R"({"version": 1, "providers": {"mine": {"kind": "openai", "base_url": "http://127.0.0.1:1/v1"}},
                            "chains": {"c": {"targets": [{"provider": "mine", "model": "\ud83d\ude00"}]}}})",
                   "api.json");
  EXPECT_TRUE(report.accepted) << source_.last_error();
  EXPECT_EQ(Serving(), "😀");
  EXPECT_FALSE(source_.Load("version: 1", "api.json").accepted);
}

TEST_F(ConfigSourceTest, ATextCanBeTakenAgainForItsSecrets) {
  world_.variables["K1"] = "key-before-1";
  source_.Load(Keyed("env: K1"), "api.yaml");
  world_.variables["K1"] = "key-after-22";
  EXPECT_TRUE(source_.Reload().changed);
  EXPECT_EQ(source_.snapshot()->providers[0].credentials[0].key.Reveal(), "key-after-22");
}

TEST_F(ConfigSourceTest, AnAppliedTextServesUntilTheFileChangesAndThenTheFileDoes) {
  LoadFile(Chain("of-file"));
  EXPECT_TRUE(source_.Load(Chain("applied"), "api.yaml", "why").changed);
  EXPECT_EQ(source_.ReadNow(), source_.taken()) << "nothing to reload";
  LoadReport report = source_.Reload();
  EXPECT_TRUE(report.accepted);
  EXPECT_FALSE(report.changed);
  EXPECT_EQ(Serving(), "applied") << "the file is as it was";
  world_.files["c.yaml"] = Chain("changed-later");
  EXPECT_NE(source_.ReadNow(), source_.taken()) << "the file is still watched";
  report = source_.Reload();
  EXPECT_TRUE(report.changed);
  EXPECT_TRUE(report.replaces_applied);
  EXPECT_EQ(Serving(), "changed-later");
  EXPECT_EQ(source_.name(), "c.yaml");
  EXPECT_FALSE(source_.Reload().replaces_applied);
}

TEST_F(ConfigSourceTest, AChangedFileThatIsRefusedLeavesTheAppliedTextServing) {
  LoadFile(Chain("of-file"));
  source_.Load(Chain("applied"), "api.yaml");
  EXPECT_FALSE(LoadFile("version: 2\n").accepted);
  EXPECT_EQ(Serving(), "applied");
  EXPECT_NE(source_.last_error(), "");
  EXPECT_EQ(source_.ReadNow(), source_.taken());
  EXPECT_TRUE(source_.Reload().accepted) << "of what serves";
  EXPECT_NE(source_.last_error(), "") << "the file is still wrong";
  EXPECT_TRUE(LoadFile(Chain("mended")).replaces_applied);
  EXPECT_EQ(Serving(), "mended");
  EXPECT_EQ(source_.last_error(), "");
}

TEST_F(ConfigSourceTest, SecretsOfAnAppliedTextAreTakenAgainWithoutTheFile) {
  world_.files["/run/key"] = "key-before-1\n";
  LoadFile(Chain("of-file"));
  source_.Load(Keyed("file: /run/key"), "api.yaml");
  world_.files["/run/key"] = "key-after-22\n";
  EXPECT_NE(source_.ReadNow(), source_.taken());
  EXPECT_TRUE(source_.Reload().changed);
  EXPECT_EQ(source_.name(), "api.yaml");
  EXPECT_EQ(source_.snapshot()->providers[0].credentials[0].key.Reveal(), "key-after-22");
}

TEST_F(ConfigSourceTest, TellsWhichFilesWereReadAndWhetherTheyHoldSomethingElseNow) {
  world_.files["/run/key"] = "key-one-11111\n";
  LoadFile(Keyed("file: /run/key"));
  EXPECT_EQ(source_.taken().size(), 2u);
  EXPECT_EQ(source_.ReadNow(), source_.taken());
  world_.files["/run/key"] = "key-two-22222\n";
  EXPECT_NE(source_.ReadNow(), source_.taken());
  source_.Reload();
  EXPECT_EQ(source_.ReadNow(), source_.taken());
  world_.files.erase("/run/key");
  EXPECT_NE(source_.ReadNow(), source_.taken());
}

TEST_F(ConfigSourceTest, ASecretsFileThatIsTooLongIsReadOnceAndNotAgainAndAgain) {
  world_.files["/run/key"] = std::string(100'000, 'k');
  LoadFile(Keyed("file: /run/key"));
  EXPECT_FALSE(source_.snapshot()->providers[0].credentials[0].usable);
  EXPECT_EQ(source_.ReadNow(), source_.taken());
}

}  // namespace
}  // namespace chain429
