#include "controlplane/store/sqlite_store.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>

#include <filesystem>
#include <map>

#include "tests/controlplane/store/memories.h"
#include "tests/support/temporary_folder.h"

namespace chain429 {
namespace {

class SqliteStoreTest : public testing::Test {
 protected:
  std::unique_ptr<Store> Open() {
    auto store = SqliteStore::Open(path_);
    EXPECT_TRUE(store.ok()) << store.status();
    return *std::move(store);
  }

  // Another program at the same file.
  void Sql(const std::string& statements) {
    sqlite3* database = nullptr;
    ASSERT_EQ(sqlite3_open(path_.c_str(), &database), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(database, statements.c_str(), nullptr, nullptr, nullptr), SQLITE_OK)
        << sqlite3_errmsg(database);
    sqlite3_close(database);
  }

  int64_t Number(const std::string& query) {
    sqlite3* database = nullptr;
    EXPECT_EQ(sqlite3_open(path_.c_str(), &database), SQLITE_OK);
    sqlite3_stmt* statement = nullptr;
    EXPECT_EQ(sqlite3_prepare_v2(database, query.c_str(), -1, &statement, nullptr), SQLITE_OK)
        << sqlite3_errmsg(database);
    EXPECT_EQ(sqlite3_step(statement), SQLITE_ROW);
    const int64_t number = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(database);
    return number;
  }

  std::map<std::string, int64_t> Stored() {
    std::map<std::string, int64_t> numbers;
    const auto pools = Open()->LoadPools();
    EXPECT_TRUE(pools.ok()) << pools.status();
    for (const PoolMemory& pool : *pools) numbers[pool.key] = pool.inferred;
    return numbers;
  }

  void ExpectRefused(const std::string& word) {
    const auto store = SqliteStore::Open(path_);
    ASSERT_FALSE(store.ok());
    EXPECT_NE(store.status().message().find(path_), absl::string_view::npos) << store.status();
    EXPECT_NE(store.status().message().find(word), absl::string_view::npos) << store.status();
  }

  TemporaryFolder folder_;
  std::string path_ = folder_.File("state.db");
};

TEST_F(SqliteStoreTest, WhatWasSavedIsThereAfterReopening) {
  ASSERT_TRUE(Open()->SavePools({FullMemory("a"), FullMemory("b")}).ok());
  const auto pools = Open()->LoadPools();
  ASSERT_TRUE(pools.ok()) << pools.status();
  ASSERT_EQ(pools->size(), 2u);
  for (const PoolMemory& pool : *pools) EXPECT_EQ(Fields(pool), Fields(FullMemory(pool.key)));
}

TEST_F(SqliteStoreTest, ReopeningForgetsNothingThatWasReplacedMeanwhile) {
  ASSERT_TRUE(Open()->SavePools({Numbered("a", 1), Numbered("b", 1)}).ok());
  ASSERT_TRUE(Open()->SavePools({Numbered("b", 2)}).ok());
  EXPECT_EQ(Stored(), (std::map<std::string, int64_t>{{"a", 1}, {"b", 2}}));
}

TEST_F(SqliteStoreTest, WritesAheadIntoALog) {
  const auto store = Open();
  EXPECT_TRUE(store->SavePools({FullMemory("a")}).ok());
  EXPECT_TRUE(std::filesystem::exists(path_ + "-wal"));
  EXPECT_EQ(Number("SELECT count(*) FROM pragma_journal_mode WHERE journal_mode = 'wal'"), 1);
}

TEST_F(SqliteStoreTest, ABatchOfWhichOnePartFailsLeavesNothingBehind) {
  const auto store = Open();
  ASSERT_TRUE(store->SavePools({Numbered("a", 1), Numbered("b", 1)}).ok());
  Sql("CREATE TRIGGER refuse BEFORE INSERT ON pool_memory WHEN NEW.key = 'bad' BEGIN SELECT RAISE(ABORT, 'no'); END");
  const absl::Status failed = store->SavePools({Numbered("a", 2), Numbered("bad", 2), Numbered("b", 2)});
  EXPECT_FALSE(failed.ok());
  EXPECT_NE(failed.message().find(path_), absl::string_view::npos);
  EXPECT_EQ(Stored(), (std::map<std::string, int64_t>{{"a", 1}, {"b", 1}}));
  // And what comes next is written as ever.
  EXPECT_TRUE(store->SavePools({Numbered("a", 3), Numbered("b", 3)}).ok());
  EXPECT_EQ(Stored(), (std::map<std::string, int64_t>{{"a", 3}, {"b", 3}}));
}

// No file may grow beyond `bytes` as long as this lives.
class FullDisk {
 public:
  explicit FullDisk(rlim_t bytes) : handler_(signal(SIGXFSZ, SIG_IGN)) {
    getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit full{bytes, before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &full);
  }
  ~FullDisk() {
    setrlimit(RLIMIT_FSIZE, &before_);
    signal(SIGXFSZ, handler_);
  }
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;

 private:
  void (*const handler_)(int);
  rlimit before_;
};

TEST_F(SqliteStoreTest, AFullDiskIsAnErrorThatLeavesTheOldAndEndsWithIt) {
  const auto store = Open();
  ASSERT_TRUE(store->SavePools({Numbered("a", 1), Numbered("b", 1)}).ok());
  absl::Status failed;
  {
    const FullDisk full(std::filesystem::file_size(path_ + "-wal"));
    failed = store->SavePools({Numbered("a", 2), Numbered("b", 2)});
  }
  EXPECT_FALSE(failed.ok());
  EXPECT_EQ(Stored(), (std::map<std::string, int64_t>{{"a", 1}, {"b", 1}}));
  EXPECT_TRUE(store->SavePools({Numbered("a", 3), Numbered("b", 3)}).ok());
  EXPECT_EQ(Stored(), (std::map<std::string, int64_t>{{"a", 3}, {"b", 3}}));
}

TEST_F(SqliteStoreTest, AFileOfANewerReleaseIsRefusedAndLeftAsItIs) {
  Open();
  Sql("PRAGMA user_version = 2; DROP TABLE pool_memory; CREATE TABLE pool_memory (something TEXT)");
  ExpectRefused("newer release");
  EXPECT_EQ(Number("PRAGMA user_version"), 2);
  EXPECT_EQ(Number("SELECT count(*) FROM pragma_table_info('pool_memory')"), 1);
}

TEST_F(SqliteStoreTest, AFileFromBeforeSchemasWereNumberedIsTakenAndNumbered) {
  ASSERT_TRUE(Open()->SavePools({Numbered("a", 1)}).ok());
  Sql("PRAGMA user_version = 0");
  EXPECT_EQ(Stored(), (std::map<std::string, int64_t>{{"a", 1}}));
  EXPECT_EQ(Number("PRAGMA user_version"), 1);
}

TEST_F(SqliteStoreTest, ARowOfAnotherReleaseIsLeftOutAndTheRestTaken) {
  ASSERT_TRUE(Open()->SavePools({Numbered("a", 1), Numbered("b", 1), Numbered("c", 1)}).ok());
  Sql("UPDATE pool_memory SET memory = '{\"key\":\"b\"}' WHERE key = 'b'; UPDATE pool_memory SET memory = x'00ff' "
      "WHERE key = 'c'");
  EXPECT_EQ(Stored(), (std::map<std::string, int64_t>{{"a", 1}}));
}

TEST_F(SqliteStoreTest, AFileThatIsNoDatabaseIsAnErrorAndIsLeftAsItIs) {
  const std::string text(8192, 'x');
  folder_.Write("state.db", text);
  ExpectRefused("not a database");
  EXPECT_EQ(folder_.Read("state.db"), text);
}

TEST_F(SqliteStoreTest, ADamagedFileIsAnErrorRatherThanEmpty) {
  std::vector<PoolMemory> many;
  for (int i = 0; i < 200; ++i) many.push_back(FullMemory("pool" + std::to_string(i)));
  ASSERT_TRUE(Open()->SavePools(many).ok());
  // The table's pages, not the first one, which holds the schema.
  std::string bytes = folder_.Read("state.db");
  ASSERT_GT(bytes.size(), 5u * 4096);
  for (size_t i = 4096; i < bytes.size(); ++i) bytes[i] = static_cast<char>(0xA5);
  folder_.Write("state.db", bytes);
  const auto store = SqliteStore::Open(path_);
  if (store.ok()) {
    const auto pools = (*store)->LoadPools();
    ASSERT_FALSE(pools.ok());
    EXPECT_NE(pools.status().message().find(path_), absl::string_view::npos) << pools.status();
  }
}

TEST_F(SqliteStoreTest, AFolderThatIsNotThereIsAnErrorThatNamesTheFile) {
  path_ = folder_.File("missing/state.db");
  ExpectRefused("cannot be opened");
}

TEST_F(SqliteStoreTest, AFolderInTheFilesPlaceIsAnError) {
  std::filesystem::create_directory(path_);
  ExpectRefused("cannot be opened");
}

}  // namespace
}  // namespace chain429
