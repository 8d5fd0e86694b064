// A process that writes is killed at any moment.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <set>

#include "controlplane/store/sqlite_store.h"
#include "tests/controlplane/store/memories.h"
#include "tests/support/temporary_folder.h"

namespace chain429 {
namespace {

constexpr int kPools = 20;

// Saves all pools with 1, 2, 3, … and tells through `acknowledge` each number that is safely stored.
[[noreturn]] void WriteForEver(const std::string& path, int acknowledge) {
  auto store = SqliteStore::Open(path);
  if (!store.ok()) _exit(1);
  for (int64_t number = 1;; ++number) {
    std::vector<PoolMemory> pools;
    for (int i = 0; i < kPools; ++i) pools.push_back(Numbered("pool" + std::to_string(i), number));
    if (!(*store)->SavePools(pools).ok()) _exit(2);
    if (write(acknowledge, &number, sizeof number) != sizeof number) _exit(3);
  }
}

// The last number that a writer acknowledged before it was killed, somewhere within what it did after
// `acknowledgements`.
int64_t KillAfter(const std::string& path, int acknowledgements) {
  int ends[2];
  EXPECT_EQ(pipe(ends), 0);
  const pid_t pid = fork();
  if (pid == 0) {
    close(ends[0]);
    WriteForEver(path, ends[1]);
  }
  close(ends[1]);
  int64_t last = 0;
  for (int i = 0; i < acknowledgements; ++i) EXPECT_EQ(read(ends[0], &last, sizeof last), ssize_t{sizeof last});
  EXPECT_EQ(kill(pid, SIGKILL), 0);
  int status = 0;
  EXPECT_EQ(waitpid(pid, &status, 0), pid);
  EXPECT_TRUE(WIFSIGNALED(status)) << "it failed by itself: " << status;
  // What it acknowledged before the signal arrived counts too.
  while (read(ends[0], &last, sizeof last) == ssize_t{sizeof last}) {
  }
  close(ends[0]);
  return last;
}

TEST(SqliteStoreCrash, WhatWasAcknowledgedSurvivesAKillAndNothingIsThereByHalves) {
  const TemporaryFolder folder;
  const std::string path = folder.File("state.db");
  for (const int acknowledgements : {1, 2, 3, 7, 20}) {
    const int64_t acknowledged = KillAfter(path, acknowledgements);
    auto store = SqliteStore::Open(path);
    ASSERT_TRUE(store.ok()) << store.status();
    const auto pools = (*store)->LoadPools();
    ASSERT_TRUE(pools.ok()) << pools.status();
    EXPECT_EQ(pools->size(), size_t{kPools});
    std::set<int64_t> numbers;
    for (const PoolMemory& pool : *pools) numbers.insert(pool.inferred);
    ASSERT_EQ(numbers.size(), 1u) << "of two savings";
    // One more may have been committed and not yet told.
    EXPECT_GE(*numbers.begin(), acknowledged);
    EXPECT_LE(*numbers.begin(), acknowledged + 1);
  }
}

}  // namespace
}  // namespace chain429
