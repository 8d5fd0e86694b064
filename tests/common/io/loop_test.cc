#include "common/io/loop.h"

#include <memory>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace chain429 {
namespace {

TEST(Loop, RunsWorkInOrderOnItsThread) {
  Loop loop("test");
  std::vector<int> order;
  std::thread::id thread;
  for (int i = 0; i < 100; ++i) loop.Post([&order, i] { order.push_back(i); });
  loop.Run([&] { thread = std::this_thread::get_id(); });
  EXPECT_EQ(order.size(), 100u);
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
  EXPECT_NE(thread, std::this_thread::get_id());
}

TEST(Loop, RunFromItsOwnThreadDoesNotWaitForItself) {
  Loop loop("test");
  bool inner = false;
  loop.Run([&] { loop.Run([&inner] { inner = true; }); });
  EXPECT_TRUE(inner);
}

TEST(Loop, DestroysWhatItDidNotRun) {
  auto witness = std::make_shared<int>(0);
  {
    Loop loop("test");
    loop.Run([&loop] { loop.Stop(); });
    loop.Post([witness] { ++*witness; });
  }
  EXPECT_EQ(witness.use_count(), 1);
}

}  // namespace
}  // namespace chain429
