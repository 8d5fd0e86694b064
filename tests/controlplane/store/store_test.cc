#include "controlplane/store/store.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "tests/controlplane/store/memories.h"
#include "tests/support/temporary_folder.h"

namespace chain429 {
namespace {

// What every store must do, in a process's life.
class AnyStore : public testing::TestWithParam<const char*> {
 protected:
  AnyStore() {
    const std::string name = GetParam();
    auto opened = OpenStore(name == "memory" ? "memory:" : "sqlite:" + folder_.File("state.db"));
    EXPECT_TRUE(opened.ok()) << opened.status();
    store_ = *std::move(opened);
  }

  std::vector<PoolMemory> Loaded() {
    auto pools = store_->LoadPools();
    EXPECT_TRUE(pools.ok()) << pools.status();
    std::sort(pools->begin(), pools->end(), [](const PoolMemory& a, const PoolMemory& b) { return a.key < b.key; });
    return *std::move(pools);
  }

  TemporaryFolder folder_;
  std::unique_ptr<Store> store_;
};

TEST_P(AnyStore, BeginsEmpty) { EXPECT_TRUE(Loaded().empty()); }

TEST_P(AnyStore, GivesBackWhatWasSaved) {
  ASSERT_TRUE(store_->SavePools({FullMemory("b"), FullMemory("a")}).ok());
  const std::vector<PoolMemory> pools = Loaded();
  ASSERT_EQ(pools.size(), 2u);
  EXPECT_EQ(Fields(pools[0]), Fields(FullMemory("a")));
  EXPECT_EQ(Fields(pools[1]), Fields(FullMemory("b")));
}

TEST_P(AnyStore, ANewerMemoryReplacesThatOfTheSamePoolAndNoOther) {
  ASSERT_TRUE(store_->SavePools({Numbered("a", 1), Numbered("b", 1)}).ok());
  ASSERT_TRUE(store_->SavePools({Numbered("b", 2), Numbered("c", 2)}).ok());
  const std::vector<PoolMemory> pools = Loaded();
  ASSERT_EQ(pools.size(), 3u);
  EXPECT_EQ(pools[0].inferred, 1);
  EXPECT_EQ(pools[1].inferred, 2);
  EXPECT_EQ(pools[2].inferred, 2);
}

TEST_P(AnyStore, TheLastOfTwoMemoriesOfOneSavingStays) {
  ASSERT_TRUE(store_->SavePools({Numbered("a", 1), Numbered("a", 2)}).ok());
  ASSERT_EQ(Loaded().size(), 1u);
  EXPECT_EQ(Loaded()[0].inferred, 2);
}

TEST_P(AnyStore, SavingNothingIsFine) {
  EXPECT_TRUE(store_->SavePools({}).ok());
  EXPECT_TRUE(Loaded().empty());
}

TEST_P(AnyStore, TakesNamesOfAnyKind) {
  for (const std::string key : {"p/m:free", "it's", "\"; DROP TABLE pool_memory; --", "ünïcode"}) {
    ASSERT_TRUE(store_->SavePools({FullMemory(key)}).ok());
  }
  EXPECT_EQ(Loaded().size(), 4u);
}

INSTANTIATE_TEST_SUITE_P(Store, AnyStore, testing::Values("memory", "sqlite"),
                         [](const auto& one) { return one.param; });

TEST(OpenStore, WithoutANameForgetsEverything) {
  const auto store = OpenStore("");
  ASSERT_TRUE(store.ok());
  EXPECT_TRUE((*store)->SavePools({FullMemory("a")}).ok());
  EXPECT_TRUE((*OpenStore(""))->LoadPools()->empty());
}

TEST(OpenStore, AnErrorNamesTheFlagAndWhatWouldBeRight) {
  for (const std::string name : {"sqlite", "sqlite:", "/var/lib/state.db", "mysql://x", "memory", "SQLITE:x"}) {
    const auto store = OpenStore(name);
    ASSERT_FALSE(store.ok()) << name;
    const std::string message(store.status().message());
    EXPECT_NE(message.find("--store"), std::string::npos) << message;
    EXPECT_NE(message.find("sqlite:PATH"), std::string::npos) << message;
  }
}

TEST(OpenStore, SaysThatPostgresIsNotThereAndDoesNotRepeatItsPassword) {
  for (const std::string name : {"postgres://user:pa55word@host/db", "postgresql://user:pa55word@host/db"}) {
    const auto store = OpenStore(name);
    ASSERT_FALSE(store.ok());
    EXPECT_NE(store.status().message().find("postgres"), absl::string_view::npos);
    EXPECT_EQ(store.status().message().find("pa55word"), absl::string_view::npos);
  }
}

}  // namespace
}  // namespace chain429
