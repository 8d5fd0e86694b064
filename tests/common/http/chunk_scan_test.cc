#include "common/http/chunk_scan.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/hostile_bytes.h"

namespace chain429 {
namespace {

using State = ChunkScan::State;

struct Result {
  State state = State::kMore;
  std::string payload;
  std::string rest;  // raw bytes that were not consumed
  friend bool operator==(const Result&, const Result&) = default;
};

// Feeds pieces the way a connection does: each lands behind the payload so far, which is compacted in place.
Result InPlace(const std::vector<std::string_view>& pieces) {
  ChunkScan scan;
  Result result;
  std::string buffer;
  size_t payload = 0;
  for (const std::string_view piece : pieces) {
    buffer.append(piece);
    if (result.state != State::kMore) continue;
    const ExactBytes raw(std::string_view(buffer).substr(payload));
    ExactBytes copy(raw.view());
    const ChunkScan::Step step = scan.Feed(copy.data(), copy.view().size(), copy.data());
    EXPECT_LE(step.payload, step.consumed);
    EXPECT_LE(step.consumed, copy.view().size());
    buffer.resize(payload);
    buffer.append(copy.view().substr(0, step.payload)).append(copy.view().substr(step.consumed));
    payload += step.payload;
    result.state = step.state;
    if (step.state == State::kMore) {
      EXPECT_EQ(buffer.size(), payload) << "all is consumed while more is wanted";
    }
  }
  result.payload = buffer.substr(0, payload);
  result.rest = buffer.substr(payload);
  return result;
}

// The same in one piece, in two at every place, and byte by byte.
Result Everyway(std::string_view bytes) {
  const Result whole = InPlace({bytes});
  for (size_t at = 0; at <= bytes.size(); ++at) {
    const Result split = InPlace({bytes.substr(0, at), bytes.substr(at)});
    EXPECT_EQ(split.state, whole.state) << "split at " << at;
    if (whole.state != State::kBad) {
      EXPECT_EQ(split, whole) << "split at " << at;
    }
  }
  std::vector<std::string_view> each;
  for (size_t i = 0; i < bytes.size(); ++i) each.push_back(bytes.substr(i, 1));
  const Result bytewise = InPlace(each);
  EXPECT_EQ(bytewise.state, whole.state);
  if (whole.state != State::kBad) {
    EXPECT_EQ(bytewise, whole);
  }
  return whole;
}

TEST(ChunkScan, TakesTheFramingOut) {
  const struct {
    std::string_view bytes;
    std::string_view payload;
    std::string_view rest;
  } cases[] = {
      {"0\r\n\r\n", "", ""},
      {"5\r\nhello\r\n0\r\n\r\n", "hello", ""},
      {"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", "hello world", ""},
      {"A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n", "01234567890123456789", ""},
      {"00000000005\r\nhello\r\n000\r\n\r\n", "hello", ""},
      {"2\r\n\r\n\r\n0\r\n\r\n", "\r\n", ""},
      {"5;name=value;x=\"y\"\r\nhello\r\n0;last\r\n\r\n", "hello", ""},
      {"5\r\nhello\r\n0\r\nX-Trailer: a\r\nY: b\r\n\r\n", "hello", ""},
      {"1\r\na\r\n0\r\n\r\nHTTP/1.1 200 OK", "a", "HTTP/1.1 200 OK"},
      {"1\r\na\r\n0\r\n\r\n0\r\n\r\n", "a", "0\r\n\r\n"},
  };
  for (const auto& c : cases) {
    const Result result = Everyway(c.bytes);
    EXPECT_EQ(result.state, State::kDone) << c.bytes;
    EXPECT_EQ(result.payload, c.payload);
    EXPECT_EQ(result.rest, c.rest);
  }
}

TEST(ChunkScan, EveryPrefixWantsMore) {
  const std::string_view bytes = "5;x\r\nhello\r\n0\r\nA: b\r\n\r\n";
  for (size_t size = 0; size < bytes.size(); ++size)
    EXPECT_EQ(InPlace({bytes.substr(0, size)}).state, State::kMore) << size;
}

TEST(ChunkScan, RefusesBadFraming) {
  const std::string cases[] = {
      "\r\n",
      "x\r\n",
      "g\r\nhello",
      "-5\r\nhello",
      "+5\r\nhello",
      "0x5\r\nhello",
      " 5\r\nhello",
      "5 \r\nhello",
      "5\t\r\nhello",
      "5 ;x\r\nhello",
      "5\nhello",
      "5\r\rhello",
      "5;x\nhello",
      "5;x\r\rhello",
      std::string("5;x\0\r\n", 6),
      ";x\r\n",
      "5\r\nhello0\r\n\r\n",
      "5\r\nhello\r\n0\r\nX: a\r\n b\r\n\r\n",
      "5\r\nhello\r\n0\r\n\tX: a\r\n\r\n",
      "5\r\nhello\n0\r\n\r\n",
      "5\r\nhello\r0\r\n\r\n",
      "5\r\nhelloX\r\n0\r\n\r\n",
      "5\r\nhelloX\n0\r\n\r\n",
      "5\r\nhello\rX0\r\n\r\n",
      "5\r\nhello\r\n\r\n",
      "1000000000000\r\n",
      "FFFFFFFFFFFFFFFFF\r\n",
      "0000000000000\r\n",
      "0\r\n\n",
      "0\n\r\n",
      "0\r\nA: b\n\r\n",
      "0\r\nA: b\r\r\n",
      std::string("0\r\nA\0: b\r\n", 10),
      "0\r\n\rX",
      "5,5\r\nhello",
      "5\xC2\xB2\r\n",
  };
  for (const std::string& bytes : cases) EXPECT_EQ(Everyway(bytes).state, State::kBad) << bytes;
}

TEST(ChunkScan, TheLargestSizeIsNoOverflow) {
  ChunkScan scan;
  const std::string_view bytes = "FFFFFFFFFFFF\r\nabc";
  char out[32];
  const ChunkScan::Step step = scan.Feed(bytes.data(), bytes.size(), out);
  EXPECT_EQ(step.state, State::kMore);
  EXPECT_EQ(std::string_view(out, step.payload), "abc");
}

TEST(ChunkScan, ExtensionsAndTrailersAreBounded) {
  const std::string long_one(15 * 1024, 'x');
  EXPECT_EQ(InPlace({"1;" + long_one + "\r\na\r\n0\r\n\r\n"}).state, State::kDone);
  EXPECT_EQ(InPlace({"1;" + long_one + long_one}).state, State::kBad);
  EXPECT_EQ(InPlace({"0\r\nA: " + long_one + "\r\n\r\n"}).state, State::kDone);
  EXPECT_EQ(InPlace({"0\r\nA: " + long_one + long_one}).state, State::kBad);
  std::string many;
  for (int i = 0; i < 5000; ++i) many += "1;xxxx\r\na\r\n";
  EXPECT_EQ(InPlace({many}).state, State::kBad) << "all extensions of a body count together";
}

TEST(ChunkScan, AfterTheEndNothingIsConsumed) {
  ChunkScan scan;
  const std::string_view end = "0\r\n\r\n";
  char out[16];
  ASSERT_EQ(scan.Feed(end.data(), end.size(), out).state, State::kDone);
  const ChunkScan::Step again = scan.Feed(end.data(), end.size(), out);
  EXPECT_EQ(again.state, State::kDone);
  EXPECT_EQ(again.consumed, 0u);
  EXPECT_EQ(again.payload, 0u);
}

TEST(ChunkScan, WritesElsewhereAsWellAsInPlace) {
  ChunkScan scan;
  const std::string raw = "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
  std::string out(raw.size(), '-');
  const ChunkScan::Step step = scan.Feed(raw.data(), raw.size(), out.data());
  EXPECT_EQ(step.state, State::kDone);
  EXPECT_EQ(out.substr(0, step.payload), "abcde");
}

// What a sender wrote in chunks of any sizes comes out whole, in whatever pieces it is read.
TEST(ChunkScan, AnyChunksInAnyPiecesAreTheSamePayload) {
  Random random(7);
  for (int i = 0; i < 500; ++i) {
    std::string payload;
    std::string raw;
    for (uint64_t n = random.Below(6); n > 0; --n) {
      std::string chunk(1 + random.Below(300), 'a');
      for (char& c : chunk) c = static_cast<char>(random.Below(256));
      char size[16];
      std::snprintf(size, sizeof size, random.Below(2) == 0 ? "%zx" : "%04zX", chunk.size());
      raw.append(size).append(random.Below(3) == 0 ? ";e=1\r\n" : "\r\n").append(chunk).append("\r\n");
      payload += chunk;
    }
    raw += random.Below(2) == 0 ? "0\r\n\r\n" : "0\r\nT: x\r\n\r\n";
    std::vector<std::string_view> pieces;
    for (size_t at = 0; at < raw.size();) {
      pieces.push_back(std::string_view(raw).substr(at, 1 + random.Below(60)));
      at += pieces.back().size();
    }
    EXPECT_EQ(InPlace(pieces), (Result{State::kDone, payload, ""}));
  }
}

TEST(ChunkScan, MutatedFramingIsJudgedTheSameInAnyPieces) {
  constexpr std::string_view kPieces[] = {"\r\n", "\r", "\n", "0", "5", "f", ";", "\0", "0\r\n\r\n", ":", " "};
  Random random(8);
  for (int i = 0; i < 3000; ++i) {
    const std::string bytes = Mutate("5;a=b\r\nhello\r\n6\r\n world\r\n0\r\nX: y\r\n\r\nrest", kPieces, random);
    const Result whole = InPlace({bytes});
    std::vector<std::string_view> each;
    for (size_t at = 0; at < bytes.size(); ++at) each.push_back(std::string_view(bytes).substr(at, 1));
    const Result bytewise = InPlace(each);
    ASSERT_EQ(bytewise.state, whole.state) << bytes;
    if (whole.state != State::kBad) {
      ASSERT_EQ(bytewise, whole) << bytes;
    }
  }
}

}  // namespace
}  // namespace chain429
