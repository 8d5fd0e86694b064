#include "common/io/address.h"

#include "gtest/gtest.h"

namespace chain429 {
namespace {

TEST(Address, ReadsIpv4Ipv6AndNames) {
  EXPECT_EQ(*ParseSocketAddress("127.0.0.1:4290"), (SocketAddress{"127.0.0.1", 4290}));
  EXPECT_EQ(*ParseSocketAddress("[::1]:80"), (SocketAddress{"::1", 80}));
  EXPECT_EQ(*ParseSocketAddress("control-0.ns:4292"), (SocketAddress{"control-0.ns", 4292}));
  EXPECT_EQ(*ParseSocketAddress("127.0.0.1:0"), (SocketAddress{"127.0.0.1", 0}));
}

TEST(Address, WritesWhatItReads) {
  for (const char* text : {"127.0.0.1:4290", "[::1]:80", "[fe80::1]:65535", "control:1"}) {
    EXPECT_EQ(ParseSocketAddress(text)->ToString(), text);
  }
}

TEST(Address, RefusesWhatIsNoAddressAndSaysHowToWriteOne) {
  for (const char* text : {"", "4290", ":4290", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536",
                           "127.0.0.1:-1", "::1:80", "[::1]", "[::1]80", "[::1", "[control]:80", "10.0.0.300:80",
                           "1.2.3:80", "a b:80", "a/b:80", "127.0.0.1:80 ", "127.0.0.1:99999999999999999999"}) {
    const auto address = ParseSocketAddress(text);
    ASSERT_FALSE(address.ok()) << text;
    EXPECT_NE(address.status().message().find("write ADDR:PORT"), absl::string_view::npos) << text;
  }
}

TEST(Address, ListenersTakeNoNamesButLocalhost) {
  EXPECT_EQ(*ParseListenAddress("localhost:80"), (SocketAddress{"127.0.0.1", 80}));
  EXPECT_EQ(*ParseListenAddress("0.0.0.0:80"), (SocketAddress{"0.0.0.0", 80}));
  EXPECT_FALSE(ParseListenAddress("example.com:80").ok());
}

TEST(Address, KnowsLoopback) {
  for (const char* text :
       {"127.0.0.1:1", "127.255.3.4:1", "[::1]:1", "localhost:1", "LOCALHOST:1", "[::ffff:127.0.0.1]:1"}) {
    EXPECT_TRUE(ParseSocketAddress(text)->IsLoopback()) << text;
  }
  for (const char* text :
       {"128.0.0.1:1", "0.0.0.0:1", "[::]:1", "[::2]:1", "[::ffff:10.0.0.1]:1", "localhost.example.com:1"}) {
    EXPECT_FALSE(ParseSocketAddress(text)->IsLoopback()) << text;
  }
}

TEST(Address, KnowsWildcards) {
  EXPECT_TRUE(ParseSocketAddress("0.0.0.0:1")->IsWildcard());
  EXPECT_TRUE(ParseSocketAddress("[::]:1")->IsWildcard());
  EXPECT_FALSE(ParseSocketAddress("127.0.0.1:1")->IsWildcard());
}

}  // namespace
}  // namespace chain429
