#include "controlplane/ctl/up/state_folder.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "tests/support/temporary_folder.h"

namespace chain429 {
namespace {

TEST(StateFolder, IsMadeWithWhatIsAboveItForItsOwnerAlone) {
  const TemporaryFolder folder;
  const auto state = StateFolder::Open(folder.File("a/b/429chain"));
  ASSERT_TRUE(state.ok()) << state.status();
  struct stat status;
  ASSERT_EQ(stat(folder.File("a/b/429chain").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0700u);
  EXPECT_EQ((*state)->ConfigFile(), folder.File("a/b/429chain/429chain.yaml"));
  EXPECT_EQ((*state)->StoreFile(), folder.File("a/b/429chain/state.db"));
}

TEST(StateFolder, IsClaimedByOneAtATime) {
  const TemporaryFolder folder;
  auto first = *StateFolder::Open(folder.path());
  EXPECT_TRUE(first->claimed());
  EXPECT_FALSE((*StateFolder::Open(folder.path()))->claimed());
  first.reset();
  EXPECT_TRUE((*StateFolder::Open(folder.path()))->claimed());
}

TEST(StateFolder, AFileInItsPlaceIsAnErrorThatNamesTheWayOut) {
  const TemporaryFolder folder;
  folder.Write("file", "");
  for (const std::string name : {"file", "file/below"}) {
    const absl::Status status = StateFolder::Open(folder.File(name)).status();
    EXPECT_NE(status.message().find("cannot make the folder " + folder.File(name)), absl::string_view::npos) << status;
    EXPECT_NE(status.message().find("--state"), absl::string_view::npos) << status;
  }
}

TEST(StateFolder, ItsPlaceFollowsTheEnvironment) {
  setenv("XDG_STATE_HOME", "/xdg", 1);
  EXPECT_EQ(DefaultStateFolder(), "/xdg/429chain");
  setenv("XDG_STATE_HOME", "relative", 1);
  setenv("HOME", "/home/me", 1);
  EXPECT_EQ(DefaultStateFolder(), "/home/me/.local/state/429chain");
  unsetenv("HOME");
  EXPECT_EQ(DefaultStateFolder(), "");
  EXPECT_NE(StateFolder::Open("").status().message().find("--state DIR"), absl::string_view::npos);
  unsetenv("XDG_STATE_HOME");
}

}  // namespace
}  // namespace chain429
