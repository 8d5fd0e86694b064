#include "common/io/signals.h"

#include <csignal>

#include <future>

#include "common/io/loop.h"
#include "gtest/gtest.h"

namespace chain429 {
namespace {

TEST(Signals, AreDeliveredOnTheLoopEachTime) {
  Loop loop("test");
  std::promise<int> first;
  std::promise<int> second;
  int seen = 0;
  std::unique_ptr<Signals> signals;
  loop.Run([&] {
    signals = std::make_unique<Signals>(loop.context(), std::vector<int>{SIGHUP, SIGUSR1},
                                        [&](int signal) { (++seen == 1 ? first : second).set_value(signal); });
  });
  std::raise(SIGHUP);
  EXPECT_EQ(first.get_future().get(), SIGHUP);
  std::raise(SIGUSR1);
  EXPECT_EQ(second.get_future().get(), SIGUSR1);
  loop.Run([&] { signals.reset(); });
}

}  // namespace
}  // namespace chain429
