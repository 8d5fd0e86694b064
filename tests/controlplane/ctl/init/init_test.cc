#include "controlplane/ctl/init/init.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <sstream>

#include <nlohmann/json.hpp>

#include "controlplane/ctl/commands.h"
#include "tests/support/temporary_folder.h"

namespace chain429 {
namespace {

using Json = nlohmann::json;

class InitTest : public testing::Test {
 public:
  ~InitTest() override { ClearKeys(); }

 protected:
  InitTest() {
    ClearKeys();
    options_.file = folder_.File("429chain.yaml");
    options_.no_probe = true;
    context_.out = &out_;
    context_.err = &err_;
  }

  // Whatever keys the caller of the tests has.
  void ClearKeys() const {
    for (const CatalogueEntry* entry : KindsWithKeys(catalogue_)) {
      for (const std::string& name : entry->setup->keys) {
        unsetenv(name.c_str());
        for (int number = 1; number <= 20; ++number) unsetenv((name + "_" + std::to_string(number)).c_str());
      }
    }
    unsetenv("ANTHROPIC_API_KEY");
  }
  int Run() {
    out_.str("");
    err_.str("");
    return RunInit(context_, options_);
  }
  bool OutHas(const std::string& part) const { return out_.str().find(part) != std::string::npos; }
  bool ErrHas(const std::string& part) const { return err_.str().find(part) != std::string::npos; }
  std::string Written() const { return folder_.Read("429chain.yaml"); }

  const Catalogue catalogue_ = *Catalogue::Builtin();
  TemporaryFolder folder_;
  InitOptions options_;
  CommandContext context_;
  std::ostringstream out_;
  std::ostringstream err_;
};

TEST_F(InitTest, WritesAFileThatIsValidAndOnlyItsOwnersToRead) {
  setenv("GROQ_API_KEY", "gsk_secret-value", 1);
  EXPECT_EQ(Run(), kExitOk) << err_.str();
  struct stat status;
  ASSERT_EQ(stat(options_.file.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  EXPECT_EQ(Written().find("gsk_secret-value"), std::string::npos);
  EXPECT_FALSE(OutHas("gsk_secret-value"));
  EXPECT_TRUE(OutHas("found GROQ_API_KEY (Groq)"));
  EXPECT_TRUE(OutHas("Together about 3,000 requests a day")) << out_.str();
  EXPECT_TRUE(OutHas("429ctl up --config " + options_.file));
  EXPECT_EQ(RunValidate(context_, options_.file), kExitOk) << err_.str();
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_.path()), {}), 1) << "nothing beside it";
}

TEST_F(InitTest, AFileThatIsThereIsOnlyReplacedWhenToldSo) {
  setenv("GROQ_API_KEY", "x", 1);
  folder_.Write("429chain.yaml", "mine\n");
  EXPECT_EQ(Run(), kExitFailed);
  EXPECT_TRUE(ErrHas(options_.file + " is there already")) << err_.str();
  EXPECT_TRUE(ErrHas("--force"));
  EXPECT_EQ(Written(), "mine\n");
  options_.force = true;
  EXPECT_EQ(Run(), kExitOk);
  EXPECT_NE(Written().find("kind: groq"), std::string::npos);
}

TEST_F(InitTest, ALinkThatLeadsNowhereIsSomebodysFileToo) {
  setenv("GROQ_API_KEY", "x", 1);
  ASSERT_EQ(symlink("nowhere", options_.file.c_str()), 0);
  EXPECT_EQ(Run(), kExitFailed);
}

TEST_F(InitTest, PrintShowsTheTextAloneOnStandardOutput) {
  setenv("GROQ_API_KEY", "x", 1);
  folder_.Write("429chain.yaml", "mine\n");
  for (const bool by_flag : {true, false}) {
    options_.print = by_flag;
    if (!by_flag) options_.file = "-";
    EXPECT_EQ(Run(), kExitOk) << err_.str();
    EXPECT_EQ(out_.str().find("# 429chain's configuration"), 0u);
    EXPECT_TRUE(ErrHas("Together about"));
    EXPECT_EQ(Written(), "mine\n");
  }
}

TEST_F(InitTest, WithoutAKeyItSaysWhichVariablesAndWhereToGetKeys) {
  EXPECT_EQ(Run(), kExitFailed);
  for (const CatalogueEntry* entry : KindsWithKeys(catalogue_)) {
    EXPECT_TRUE(ErrHas(entry->setup->keys.front())) << entry->kind;
    EXPECT_TRUE(ErrHas(entry->setup->keys_url)) << entry->kind;
    EXPECT_TRUE(entry->setup->keys_url.starts_with("https://")) << entry->kind;
  }
  EXPECT_EQ(out_.str(), "");
  EXPECT_FALSE(std::filesystem::exists(options_.file));
}

TEST_F(InitTest, AKeyThatCannotBeUsedIsNamedAlthoughNothingElseIsThere) {
  setenv("ANTHROPIC_API_KEY", "x", 1);
  EXPECT_EQ(Run(), kExitFailed);
  EXPECT_TRUE(ErrHas("left out ANTHROPIC_API_KEY: ")) << err_.str();
}

TEST_F(InitTest, MachinesAreToldTheSame) {
  context_.output = OutputFormat::kJson;
  EXPECT_EQ(Run(), kExitFailed);
  Json json = Json::parse(out_.str());
  EXPECT_EQ(json.at("providers").size(), 0u);
  EXPECT_EQ(json.at("looked_for").size(), KindsWithKeys(catalogue_).size());
  EXPECT_EQ(json.at("file"), nullptr);
  setenv("GROQ_API_KEY", "x", 1);
  setenv("NVIDIA_API_KEY", "x", 1);
  EXPECT_EQ(Run(), kExitOk);
  json = Json::parse(out_.str());
  EXPECT_EQ(json.at("file"), options_.file);
  EXPECT_EQ(json.at("requests_per_day"), 3000);
  ASSERT_EQ(json.at("providers").size(), 2u);
  const Json& groq = json.at("providers").at(0);
  EXPECT_EQ(groq.at("kind"), "groq");
  EXPECT_EQ(groq.at("variables"), Json::array({"GROQ_API_KEY"}));
  EXPECT_EQ(groq.at("as_of"), "2026-08-22");
  EXPECT_EQ(groq.at("allowances").at(0).at("requests_per_day"), 1000);
  EXPECT_EQ(json.at("providers").at(1).at("requests_per_day"), nullptr) << "not known is not nothing";
  options_.print = true;
  EXPECT_EQ(Run(), kExitOk);
  EXPECT_NE(Json::parse(out_.str()).at("config").get<std::string>().find("kind: groq"), std::string::npos);
}

TEST_F(InitTest, AFolderThatIsNotThereIsAnError) {
  setenv("GROQ_API_KEY", "x", 1);
  options_.file = folder_.File("missing/429chain.yaml");
  EXPECT_EQ(Run(), kExitUsage);
  EXPECT_TRUE(ErrHas("cannot write")) << err_.str();
}

}  // namespace
}  // namespace chain429
