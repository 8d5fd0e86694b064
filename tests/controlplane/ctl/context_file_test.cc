#include "controlplane/ctl/context_file.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>

#include "tests/support/temporary_folder.h"

namespace chain429 {
namespace {

bool Has(const absl::Status& status, const std::string& part) {
  return status.message().find(part) != absl::string_view::npos;
}

class ContextFileTest : public testing::Test {
 protected:
  TemporaryFolder folder_;
  const ContextFile file_{folder_.File("a/b/context.yaml")};
};

TEST_F(ContextFileTest, RemembersAnAddressUntilItIsCleared) {
  EXPECT_EQ(*file_.Control(), "");
  for (const std::string address : {"10.0.0.1:4292", "control.example:4292", "[::1]:4292", "unix:/run/429chain.sock"}) {
    EXPECT_TRUE(file_.SetControl(address).ok()) << address;
    EXPECT_EQ(*file_.Control(), address);
  }
  EXPECT_TRUE(file_.Clear().ok());
  EXPECT_EQ(*file_.Control(), "");
  EXPECT_TRUE(file_.Clear().ok()) << "twice is no error";
}

TEST_F(ContextFileTest, AnAddressThatIsNoneIsRefusedAndWritesNothing) {
  for (const std::string address : {"", "control", "control:99999", "unix:", "unix:/a\nb: c"})
    EXPECT_FALSE(file_.SetControl(address).ok()) << address;
  EXPECT_FALSE(std::filesystem::exists(file_.path()));
}

TEST_F(ContextFileTest, AFileWrittenByHandMayHaveCommentsAndNoQuotes) {
  const ContextFile file(folder_.Write("c.yaml", "# mine\n\ncontrol: 10.0.0.1:4292\n"));
  EXPECT_EQ(*file.Control(), "10.0.0.1:4292");
}

TEST_F(ContextFileTest, ABadFileIsNamedWithWhatToDo) {
  for (const std::string text :
       {"control: nowhere\n", "kontrol: 10.0.0.1:1\n", "control: 10.0.0.1:1\nmore: 1\n", "{}\n"}) {
    const ContextFile file(folder_.Write("c.yaml", text));
    const absl::Status status = file.Control().status();
    EXPECT_TRUE(Has(status, file.path()) && Has(status, "429ctl context set")) << status << text;
  }
}

TEST_F(ContextFileTest, ItsPlaceFollowsTheEnvironment) {
  setenv("XDG_CONFIG_HOME", "/xdg", 1);
  EXPECT_EQ(ContextFile::DefaultPath(), "/xdg/429chain/context.yaml");
  setenv("XDG_CONFIG_HOME", "relative", 1);
  setenv("HOME", "/home/me", 1);
  EXPECT_EQ(ContextFile::DefaultPath(), "/home/me/.config/429chain/context.yaml");
  setenv("CHAIN429_CONTEXT", "/elsewhere.yaml", 1);
  EXPECT_EQ(ContextFile::DefaultPath(), "/elsewhere.yaml");
  unsetenv("CHAIN429_CONTEXT");
  unsetenv("XDG_CONFIG_HOME");
}

}  // namespace
}  // namespace chain429
