#include "controlplane/revisions/config_watcher.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "tests/controlplane/revisions/config_source_fixture.h"
#include "tests/support/temporary_folder.h"

namespace chain429 {
namespace {

class ConfigWatcherTest : public ConfigSourceTest {
 protected:
  ConfigWatcher watcher_{source_};
};

TEST_F(ConfigWatcherTest, NothingHappensWhileNothingChanges) {
  EXPECT_FALSE(watcher_.Poll());
  LoadFile(Chain("m"));
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(watcher_.Poll());
  EXPECT_EQ(source_.accepted(), 1u);
}

TEST_F(ConfigWatcherTest, AChangeThatIsTheSameTwiceInARowIsTaken) {
  LoadFile(Chain("m"));
  world_.files["c.yaml"] = Chain("n");
  EXPECT_FALSE(watcher_.Poll());
  EXPECT_TRUE(watcher_.Poll());
  EXPECT_TRUE(watcher_.report().changed);
  EXPECT_EQ(Serving(), "n");
  EXPECT_FALSE(watcher_.Poll());
}

TEST_F(ConfigWatcherTest, AFileThatIsStillBeingWrittenIsWaitedFor) {
  LoadFile(Chain("m"));
  const std::string whole = Chain("n");
  for (size_t size = 10; size < whole.size(); size += 10) {
    world_.files["c.yaml"] = whole.substr(0, size);
    EXPECT_FALSE(watcher_.Poll());
  }
  EXPECT_EQ(source_.refused(), 0u);
  world_.files["c.yaml"] = whole;
  EXPECT_FALSE(watcher_.Poll());
  EXPECT_TRUE(watcher_.Poll());
  EXPECT_EQ(Serving(), "n");
}

TEST_F(ConfigWatcherTest, AChangeThatIsTakenBackIsNone) {
  LoadFile(Chain("m"));
  for (int i = 0; i < 3; ++i) {
    world_.files["c.yaml"] = Chain("n");
    EXPECT_FALSE(watcher_.Poll());
    world_.files["c.yaml"] = Chain("m");
    EXPECT_FALSE(watcher_.Poll());
  }
  EXPECT_EQ(Serving(), "m");
}

TEST_F(ConfigWatcherTest, ABadFileIsReportedOnceAndTakenWhenItIsMended) {
  LoadFile(Chain("m"));
  world_.files["c.yaml"] = "version: 1\nchainz: {}\n";
  watcher_.Poll();
  EXPECT_TRUE(watcher_.Poll());
  EXPECT_FALSE(watcher_.report().accepted);
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(watcher_.Poll());
  EXPECT_EQ(source_.refused(), 1u);
  EXPECT_EQ(Serving(), "m");
  world_.files["c.yaml"] = Chain("n");
  watcher_.Poll();
  EXPECT_TRUE(watcher_.Poll());
  EXPECT_EQ(Serving(), "n");
}

TEST_F(ConfigWatcherTest, AFileThatGoesAndComesBackIsTaken) {
  LoadFile(Chain("m"));
  world_.files.erase("c.yaml");
  watcher_.Poll();
  EXPECT_TRUE(watcher_.Poll());
  EXPECT_EQ(Serving(), "m");
  EXPECT_FALSE(watcher_.Poll());
  world_.files["c.yaml"] = Chain("n");
  watcher_.Poll();
  EXPECT_TRUE(watcher_.Poll());
  EXPECT_EQ(Serving(), "n");
}

TEST_F(ConfigWatcherTest, ASecretsFileIsWatchedToo) {
  world_.files["/run/key"] = "key-one-11111";
  LoadFile(Keyed("file: /run/key"));
  world_.files["/run/key"] = "key-two-22222";
  EXPECT_FALSE(watcher_.Poll());
  EXPECT_TRUE(watcher_.Poll());
  EXPECT_EQ(source_.snapshot()->providers[0].credentials[0].key.Reveal(), "key-two-22222");
}

TEST_F(ConfigWatcherTest, TheSecretsOfATextAreWatched) {
  world_.files["/run/key"] = "key-one-11111";
  source_.Load(Keyed("file: /run/key"), "api.yaml");
  EXPECT_FALSE(watcher_.Poll());
  world_.files["/run/key"] = "key-two-22222";
  watcher_.Poll();
  EXPECT_TRUE(watcher_.Poll());
  EXPECT_EQ(source_.snapshot()->providers[0].credentials[0].key.Reveal(), "key-two-22222");
}

// As editors, `mv` and Kubernetes change files, on a real disk.
class ConfigWatcherOnDisk : public ConfigSourceTest {
 protected:
  void ExpectTaken(const std::string& model) {
    EXPECT_FALSE(watcher_.Poll());
    EXPECT_TRUE(watcher_.Poll());
    ASSERT_FALSE(disk_.snapshot()->targets.empty());
    EXPECT_EQ(disk_.snapshot()->targets[0].model, model);
    EXPECT_FALSE(watcher_.Poll());
  }

  TemporaryFolder folder_;
  ConfigSource disk_{{&KnownKinds(), KnownZones, SystemEnvironment(), Version(1)}};
  ConfigWatcher watcher_{disk_};
};

TEST_F(ConfigWatcherOnDisk, NoticesAFileThatIsWrittenInPlace) {
  ASSERT_TRUE(disk_.LoadFile(folder_.Write("c.yaml", Chain("m"))).accepted);
  folder_.Write("c.yaml", Chain("n"));
  ExpectTaken("n");
}

TEST_F(ConfigWatcherOnDisk, NoticesAFileThatIsRenamedOver) {
  ASSERT_TRUE(disk_.LoadFile(folder_.Write("c.yaml", Chain("m"))).accepted);
  std::filesystem::rename(folder_.Write("c.yaml.new", Chain("n")), folder_.File("c.yaml"));
  ExpectTaken("n");
}

TEST_F(ConfigWatcherOnDisk, NoticesASymbolicLinkThatIsSwapped) {
  std::filesystem::create_directory(folder_.File("v1"));
  std::filesystem::create_directory(folder_.File("v2"));
  folder_.Write("v1/c.yaml", Chain("m"));
  folder_.Write("v2/c.yaml", Chain("n"));
  std::filesystem::create_directory_symlink("v1", folder_.File("data"));
  std::filesystem::create_symlink("data/c.yaml", folder_.File("c.yaml"));
  ASSERT_TRUE(disk_.LoadFile(folder_.File("c.yaml")).accepted);
  std::filesystem::create_directory_symlink("v2", folder_.File("data.new"));
  std::filesystem::rename(folder_.File("data.new"), folder_.File("data"));
  ExpectTaken("n");
}

TEST_F(ConfigWatcherOnDisk, NoticesAChangeOfTheSameLengthAndTime) {
  const std::string path = folder_.Write("c.yaml", Chain("m"));
  ASSERT_TRUE(disk_.LoadFile(path).accepted);
  const auto time = std::filesystem::last_write_time(path);
  folder_.Write("c.yaml", Chain("n"));
  std::filesystem::last_write_time(path, time);
  ExpectTaken("n");
}

}  // namespace
}  // namespace chain429
