#include <sys/socket.h>

#include <string>
#include <thread>

#include "tests/dataplane/net/loopback.h"

namespace chain429 {
namespace {

std::string Pattern(size_t size) {
  std::string bytes(size, '\0');
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>((i * 31 + i / 4096) & 0xFF);
  return bytes;
}

class ConnectionOutput : public LoopbackTest {
 protected:
  static constexpr size_t kMuch = size_t{8} << 20;  // far more than the small socket buffers hold

  // Whose socket buffers hold little.
  std::pair<ConnectionPtr, Peer> Narrow() {
    auto pair = Connected(listener);
    const int small = 32 * 1024;
    setsockopt(pair.second.fd(), SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    setsockopt(pair.first->socket().native_handle(), SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    return pair;
  }
  static Task<bool> WriteEight(ConnectionPtr connection) {
    const std::string first = "one ";
    const std::string_view last = "eight";
    auto writing =
        connection->Write(first, "", std::string_view("three "), std::string_view(), "five ", "six ", "seven ", last);
    const bool good = co_await writing;
    co_return good;
  }
  static Task<bool> WriteParts(ConnectionPtr connection, std::string a, std::string b, std::string c) {
    auto writing = connection->Write(a, b, c);
    const bool good = co_await writing;
    co_return good;
  }
  static Task<bool> WriteNothing(ConnectionPtr connection) {
    auto writing = connection->Write(std::string_view(), std::string_view());
    const bool good = co_await writing;
    co_return good;
  }
  Listener listener;
};

TEST_F(ConnectionOutput, AShortWriteGoesOutAtOnce) {
  auto [connection, peer] = Connected(listener);
  std::optional<bool> written;
  Start(Write(connection, "hello"), &written);
  EXPECT_EQ(written, true) << "without a turn of the loop";
  EXPECT_EQ(peer.Read(5), "hello");
}

TEST_F(ConnectionOutput, PartsGoOutInOrder) {
  auto [connection, peer] = Connected(listener);
  EXPECT_EQ(Finish(WriteEight(connection)), true);
  connection->Abort();
  EXPECT_EQ(peer.Read(100), "one three five six seven eight");
}

TEST_F(ConnectionOutput, NothingIsWrittenAtOnce) {
  auto [connection, peer] = Connected(listener);
  EXPECT_EQ(Finish(WriteNothing(connection)), true);
}

TEST_F(ConnectionOutput, WritesSomeWithoutWaitingAndSaysHowMuch) {
  auto [connection, peer] = Narrow();
  const std::string all = Pattern(kMuch);
  const std::optional<size_t> some = connection->WriteSome(all);
  ASSERT_TRUE(some.has_value());
  EXPECT_GT(*some, 0U);
  EXPECT_LT(*some, all.size());
  EXPECT_EQ(connection->WriteSome(std::string_view(all).substr(*some)), 0U) << "nobody has read";
  std::optional<bool> written;
  Start(Write(connection, all.substr(*some)), &written);
  std::string received;
  std::thread reader([&, &from = peer] { received = from.Read(all.size()); });
  EXPECT_TRUE(RunUntil([&] { return written.has_value(); }));
  reader.join();
  EXPECT_EQ(written, true);
  EXPECT_EQ(received, all);
}

TEST_F(ConnectionOutput, WritesSomeOfAShortTextWhole) {
  auto [connection, peer] = Connected(listener);
  EXPECT_EQ(connection->WriteSome("hello"), 5U);
  EXPECT_EQ(peer.Read(5), "hello");
  connection->Abort();
  EXPECT_EQ(connection->WriteSome("hello"), std::nullopt);
}

TEST_F(ConnectionOutput, WaitsForAPeerThatReadsSlowly) {
  auto [connection, peer] = Narrow();
  const std::string parts[] = {Pattern(kMuch / 4 + 1), Pattern(kMuch / 2), Pattern(kMuch / 4)};
  const std::string all = parts[0] + parts[1] + parts[2];
  std::optional<bool> written;
  Start(WriteParts(connection, parts[0], parts[1], parts[2]), &written);
  RunReady();
  EXPECT_FALSE(written.has_value()) << "nobody has read";
  std::string received;
  std::thread reader([&, &from = peer] { received = from.Read(all.size()); });
  EXPECT_TRUE(RunUntil([&] { return written.has_value(); }));
  reader.join();
  EXPECT_EQ(written, true);
  EXPECT_TRUE(received == all);
}

class CountingWatcher final : public PeerWatcher {
 public:
  void OnPeerEvent() override {}
  void OnWriteWaits() override { ++waits; }
  void OnWriteOver() override { ++over; }
  int waits = 0;
  int over = 0;
};

TEST_F(ConnectionOutput, AWriteThatWaitsIsToldAtItsStartAfterEachPartAndAtItsEnd) {
  auto [connection, peer] = Narrow();
  CountingWatcher watcher;
  connection->set_watcher(&watcher);
  EXPECT_EQ(Finish(Write(connection, "short")), true);
  EXPECT_EQ(watcher.waits + watcher.over, 0) << "what goes out at once is not told";
  std::optional<bool> written;
  Start(Write(connection, Pattern(kMuch)), &written);
  EXPECT_EQ(watcher.waits, 1);
  EXPECT_EQ(watcher.over, 0);
  std::thread reader([&from = peer] { from.Read(5 + kMuch); });
  EXPECT_TRUE(RunUntil([&] { return written.has_value(); }));
  reader.join();
  EXPECT_GT(watcher.waits, 2) << "progress gives a slow reader more time";
  EXPECT_EQ(watcher.over, 1);
  connection->set_watcher(nullptr);
}

TEST_F(ConnectionOutput, ReadsGoOnWhileAWriteWaits) {
  auto [connection, peer] = Narrow();
  std::optional<bool> written;
  Start(Write(connection, Pattern(kMuch)), &written);
  peer.Send("still here");
  EXPECT_EQ(Finish(Fill(connection)), true);
  EXPECT_EQ(connection->input(), "still here");
  EXPECT_FALSE(written.has_value());
  connection->Abort();
  EXPECT_TRUE(RunUntil([&] { return written.has_value(); }));
}

TEST_F(ConnectionOutput, AbortEndsAWaitingWrite) {
  auto [connection, peer] = Narrow();
  std::optional<bool> written;
  Start(Write(connection, Pattern(kMuch)), &written);
  RunReady();
  ASSERT_FALSE(written.has_value());
  connection->Abort();
  EXPECT_FALSE(written.has_value()) << "not from within Abort";
  ASSERT_TRUE(RunUntil([&] { return written.has_value(); }));
  EXPECT_EQ(written, false);
}

TEST_F(ConnectionOutput, APeerThatLeavesEndsAWaitingWrite) {
  auto [connection, peer] = Narrow();
  std::optional<bool> written;
  Start(Write(connection, Pattern(kMuch)), &written);
  RunReady();
  ASSERT_FALSE(written.has_value());
  peer.Reset();
  ASSERT_TRUE(RunUntil([&] { return written.has_value(); }));
  EXPECT_EQ(written, false);
}

TEST_F(ConnectionOutput, AfterAnAbortNothingIsWritten) {
  auto [connection, peer] = Connected(listener);
  connection->Abort();
  EXPECT_EQ(Finish(Write(connection, "x")), false);
  EXPECT_TRUE(peer.AtEnd());
}

TEST_F(ConnectionOutput, APeerThatHasLeftFailsTheWriteWithoutASignal) {
  auto [connection, peer] = Connected(listener);
  peer.Reset();
  EXPECT_EQ(Finish(Fill(connection)), false);
  EXPECT_EQ(Finish(Write(connection, "x")), false);
}

TEST_F(ConnectionOutput, ShutdownSendEndsTheOutputOnly) {
  auto [connection, peer] = Connected(listener);
  EXPECT_EQ(Finish(Write(connection, "bye")), true);
  connection->ShutdownSend();
  EXPECT_EQ(peer.Read(3), "bye");
  EXPECT_TRUE(peer.AtEnd());
  peer.Send("one more thing");
  EXPECT_EQ(Finish(Fill(connection)), true);
  EXPECT_EQ(connection->input(), "one more thing");
  connection->Abort();
  connection->ShutdownSend();
}

TEST_F(ConnectionOutput, ConnectingToNobodyIsRefused) {
  const ConnectionPtr connection = NewConnection();
  const std::optional<std::string> error = Finish(connection->Connect(RefusedEndpoint()));
  EXPECT_NE(error->find("refused"), std::string::npos) << *error;
}

TEST_F(ConnectionOutput, AbortEndsConnecting) {
  FullListener full;
  const ConnectionPtr connection = NewConnection();
  std::optional<std::string> error;
  Start(connection->Connect(full.endpoint()), &error);
  RunReady();
  ASSERT_FALSE(error.has_value()) << *error;
  connection->Abort();
  ASSERT_TRUE(RunUntil([&] { return error.has_value(); }));
  EXPECT_EQ(error, "connecting was given up");
}

}  // namespace
}  // namespace chain429
