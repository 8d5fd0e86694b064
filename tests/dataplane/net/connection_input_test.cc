#include <string>
#include <thread>

#include "tests/dataplane/net/loopback.h"

namespace chain429 {
namespace {

struct CountingWatcher final : PeerWatcher {
  void OnPeerEvent() override { ++events; }
  int events = 0;
};

std::string Pattern(size_t size) {
  std::string bytes(size, '\0');
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>('a' + (i * 7 + i / 1000) % 26);
  return bytes;
}

class ConnectionInput : public LoopbackTest {
 protected:
  // Reads until `size` bytes of input are there.
  void FillTo(const ConnectionPtr& connection, size_t size) {
    while (connection->input().size() < size) ASSERT_EQ(Finish(Fill(connection)), true);
  }
  Listener listener;
};

TEST_F(ConnectionInput, IsWhatThePeerSent) {
  auto [connection, peer] = Connected(listener);
  EXPECT_EQ(connection->input(), "");
  peer.Send("hello");
  FillTo(connection, 5);
  peer.Send(" world");
  FillTo(connection, 11);
  EXPECT_EQ(connection->input(), "hello world");
  EXPECT_EQ(connection->end(), IoEnd::kOpen);
}

TEST_F(ConnectionInput, ConsumeKeepsTheRest) {
  auto [connection, peer] = Connected(listener);
  peer.Send("GET / one");
  FillTo(connection, 9);
  connection->Consume(6);
  EXPECT_EQ(connection->input(), "one");
  peer.Send("two");
  FillTo(connection, 6);
  EXPECT_EQ(connection->input(), "onetwo");
  connection->Consume(6);
  EXPECT_EQ(connection->input(), "");
}

TEST_F(ConnectionInput, BytesBeforeTheEndComeFirst) {
  auto [connection, peer] = Connected(listener);
  peer.Send("last");
  peer.Close();
  FillTo(connection, 4);
  EXPECT_EQ(Finish(Fill(connection)), false);
  EXPECT_EQ(connection->input(), "last");
  EXPECT_EQ(connection->end(), IoEnd::kEof);
  EXPECT_EQ(Finish(Fill(connection)), false) << "the end stays the end";
}

TEST_F(ConnectionInput, AResetIsNoOrderlyEnd) {
  auto [connection, peer] = Connected(listener);
  peer.Reset();
  EXPECT_EQ(Finish(Fill(connection)), false);
  EXPECT_EQ(connection->end(), IoEnd::kError);
}

TEST_F(ConnectionInput, GrowsWithWhatComesAndHasReadableBytesBehind) {
  auto [connection, peer] = Connected(listener);
  const std::string sent = Pattern(1 << 20);
  std::string received;
  std::thread sender([&, &to = peer] { to.Send(sent); });
  FillTo(connection, sent.size());
  sender.join();
  EXPECT_TRUE(connection->input() == sent);
  const char* behind = connection->input().data() + connection->input().size();
  int sum = 0;
  for (size_t i = 0; i < Connection::kPadding; ++i) sum += behind[i];
  EXPECT_EQ(sum, sum);
}

TEST_F(ConnectionInput, ConsumedSpaceIsUsedAgain) {
  auto [connection, peer] = Connected(listener);
  for (int i = 0; i < 200; ++i) {
    const std::string part = Pattern(1000);
    peer.Send(part);
    FillTo(connection, part.size() + (i > 0 ? 1 : 0));
    EXPECT_EQ(connection->input().substr(i > 0 ? 1 : 0), part);
    connection->Consume(connection->input().size() - 1);  // one byte always stays
  }
  connection->Consume(1);
  connection->StartReading();
  EXPECT_TRUE(connection->HasRoom());
}

TEST_F(ConnectionInput, ReserveKeepsWhatIsThere) {
  auto [connection, peer] = Connected(listener);
  peer.Send("abcdef");
  FillTo(connection, 6);
  connection->Consume(2);
  for (const size_t total : {size_t{1}, size_t{100}, Connection::kFirstCapacity, size_t{100'000}, size_t{50}}) {
    connection->Reserve(total);
    EXPECT_EQ(connection->input(), "cdef") << total;
    EXPECT_TRUE(connection->HasRoom());
  }
  peer.Send(Pattern(90'000));
  const char* before = connection->input().data();
  FillTo(connection, 90'004);
  EXPECT_EQ(connection->input().data(), before) << "what was reserved is not moved";
  EXPECT_EQ(connection->input().substr(0, 4), "cdef");
}

TEST_F(ConnectionInput, ShrinkGivesALargeBufferBack) {
  auto [connection, peer] = Connected(listener);
  connection->Reserve(1 << 20);
  connection->Shrink();
  EXPECT_EQ(connection->capacity(), 0u);
  peer.Send("again");
  FillTo(connection, 5);
  EXPECT_EQ(connection->input(), "again");
  connection->Shrink();
  EXPECT_EQ(connection->input(), "again") << "what is still there is kept";
}

TEST_F(ConnectionInput, ShrinkGivesALargeBufferBackWhileAReadIsUnderWay) {
  auto [connection, peer] = Connected(listener);
  CountingWatcher watcher;
  connection->set_watcher(&watcher);
  connection->Reserve(1 << 20);
  connection->StartReading();
  connection->Shrink();
  RunReady();
  EXPECT_LE(connection->capacity(), Connection::kFirstCapacity);
  EXPECT_TRUE(connection->reading()) << "the peer's leaving is still noticed";
  EXPECT_EQ(connection->end(), IoEnd::kOpen);
  EXPECT_EQ(watcher.events, 0);
  peer.Send("hello");
  EXPECT_TRUE(RunUntil([&] { return watcher.events == 1; }));
  EXPECT_EQ(connection->input(), "hello");
}

TEST_F(ConnectionInput, ShrinkLosesNothingThatComesMeanwhile) {
  for (const bool before : {true, false}) {
    auto [connection, peer] = Connected(listener);
    connection->Reserve(1 << 20);
    connection->StartReading();
    const std::string sent = Pattern(100'000);
    std::thread sender;
    if (before) peer.Send("x");
    connection->Shrink();
    sender = std::thread([&, &to = peer] { to.Send(sent); });
    FillTo(connection, sent.size() + (before ? 1 : 0));
    sender.join();
    EXPECT_TRUE(connection->input().substr(before ? 1 : 0) == sent);
    EXPECT_EQ(connection->end(), IoEnd::kOpen);
  }
}

TEST_F(ConnectionInput, ShrinkKeepsABufferThatIsNotWorthAnotherRead) {
  auto [connection, peer] = Connected(listener);
  connection->Reserve(Connection::kVeryLarge);
  connection->StartReading();
  connection->Shrink();
  RunReady();
  EXPECT_EQ(connection->capacity(), Connection::kVeryLarge);
}

TEST_F(ConnectionInput, AnAbortWhileShrinkingEndsTheConnection) {
  auto [connection, peer] = Connected(listener);
  connection->Reserve(1 << 20);
  connection->StartReading();
  connection->Shrink();
  connection->Abort();
  EXPECT_EQ(Finish(Fill(connection)), false);
  EXPECT_EQ(connection->end(), IoEnd::kError);
}

TEST_F(ConnectionInput, CutTakesBytesOutOfTheMiddle) {
  auto [connection, peer] = Connected(listener);
  peer.Send("headXXXXbody");
  FillTo(connection, 12);
  connection->Cut(4, 8);
  EXPECT_EQ(connection->input(), "headbody");
  connection->Cut(8, 8);
  EXPECT_EQ(connection->input(), "headbody");
  connection->Cut(0, 8);
  EXPECT_EQ(connection->input(), "");
  peer.Send("next");
  FillTo(connection, 4);
  EXPECT_EQ(connection->input(), "next");
}

TEST_F(ConnectionInput, ShrinkGivesOnlyALargeEmptyBufferBack) {
  auto [connection, peer] = Connected(listener);
  peer.Send("a");
  FillTo(connection, 1);
  connection->Reserve(1 << 20);
  connection->Shrink();
  EXPECT_EQ(connection->input(), "a") << "not while there is input";
  connection->Consume(1);
  connection->Shrink();
  EXPECT_FALSE(connection->HasRoom()) << "the memory has gone";
  peer.Send("b");
  FillTo(connection, 1);
  EXPECT_EQ(connection->input(), "b");
  connection->Consume(1);
  connection->Shrink();
  EXPECT_TRUE(connection->HasRoom()) << "a small one stays";
}

TEST_F(ConnectionInput, BytesThatCameUnawaitedAreThereAtOnce) {
  auto [connection, peer] = Connected(listener);
  connection->StartReading();
  EXPECT_TRUE(connection->reading());
  peer.Send("early");
  ASSERT_TRUE(RunUntil([&, &c = connection] { return !c->reading(); }));
  std::optional<bool> filled;
  Start(Fill(connection), &filled);
  EXPECT_EQ(filled, true) << "without another turn of the loop";
  EXPECT_EQ(connection->input(), "early");
}

TEST_F(ConnectionInput, OneReadIsUnderWayHoweverOftenItIsStarted) {
  auto [connection, peer] = Connected(listener);
  for (int i = 0; i < 3; ++i) connection->StartReading();
  peer.Send("once");
  FillTo(connection, 4);
  EXPECT_EQ(connection->input(), "once");
}

TEST_F(ConnectionInput, ConsumingWhileAReadIsUnderWayLosesNothing) {
  auto [connection, peer] = Connected(listener);
  peer.Send("first");
  FillTo(connection, 5);
  connection->StartReading();
  connection->Consume(5);
  peer.Send("second");
  FillTo(connection, 6);
  EXPECT_EQ(connection->input(), "second");
}

TEST_F(ConnectionInput, TheWatcherIsToldOfBytesAndOfTheEnd) {
  auto [connection, peer] = Connected(listener);
  CountingWatcher watcher;
  connection->set_watcher(&watcher);
  connection->StartReading();
  RunReady();
  EXPECT_EQ(watcher.events, 0);
  peer.Send("x");
  ASSERT_TRUE(RunUntil([&] { return watcher.events == 1; }));
  EXPECT_EQ(connection->end(), IoEnd::kOpen);
  connection->StartReading();
  peer.Close();
  ASSERT_TRUE(RunUntil([&] { return watcher.events == 2; }));
  EXPECT_EQ(connection->end(), IoEnd::kEof);
}

TEST_F(ConnectionInput, WhoeverAwaitsIsToldInsteadOfTheWatcher) {
  auto [connection, peer] = Connected(listener);
  CountingWatcher watcher;
  connection->set_watcher(&watcher);
  peer.Send("x");
  EXPECT_EQ(Finish(Fill(connection)), true);
  EXPECT_EQ(watcher.events, 0);
}

TEST_F(ConnectionInput, AbortEndsAWaitingFill) {
  auto [connection, peer] = Connected(listener);
  std::optional<bool> filled;
  Start(Fill(connection), &filled);
  RunReady();
  EXPECT_FALSE(filled.has_value());
  connection->Abort();
  ASSERT_TRUE(RunUntil([&] { return filled.has_value(); }));
  EXPECT_EQ(filled, false);
  EXPECT_TRUE(connection->aborted());
  EXPECT_EQ(connection->end(), IoEnd::kError);
  EXPECT_TRUE(peer.AtEnd());
  connection->Abort();
}

TEST_F(ConnectionInput, AnAbortedConnectionReadsNothingMore) {
  auto [connection, peer] = Connected(listener);
  connection->StartReading();
  peer.Send("late");
  ASSERT_TRUE(RunUntil([&, &c = connection] { return !c->reading(); }));
  connection->Abort();
  EXPECT_EQ(Finish(Fill(connection)), false) << "also not what had come";
  connection->StartReading();
  EXPECT_FALSE(connection->reading());
}

TEST_F(ConnectionInput, AReadUnderWayKeepsTheConnectionAlive) {
  auto [connection, peer] = Connected(listener);
  connection->StartReading();
  connection.reset();
  peer.Close();
  RunReady();
}

}  // namespace
}  // namespace chain429
