#include "dataplane/http/inflate_stream.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <string>

namespace chain429 {
namespace {

constexpr int kGzip = 15 + 16;
constexpr int kZlib = 15;
constexpr int kRaw = -15;
using State = InflateStream::State;

std::string Deflated(std::string_view text, int window_bits) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 6, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::string LongText() {
  std::string text;
  for (int i = 0; i < 20000; ++i) text.append("data: ").append(std::to_string(i * 7919)).append("\n\n");
  return text;
}

struct Read {
  std::string text;
  State state = State::kMore;
  size_t most_at_once = 0;
};

// Everything, `piece` bytes at a time and no more than `limit` of text a step.
Read ReadAll(std::string_view coding, std::string_view data, size_t piece, size_t limit = 4096) {
  Read read;
  const auto inflate = InflateStream::For(coding);
  size_t given = 0;
  size_t taken = 0;
  bool full = false;
  while (read.state != State::kBroken && (full || given < data.size())) {
    if (!full) given = std::min(data.size(), given + piece);
    const size_t before = read.text.size();
    const InflateStream::Step step = inflate->Feed(data.substr(taken, given - taken), limit, read.text);
    read.most_at_once = std::max(read.most_at_once, read.text.size() - before);
    taken += step.consumed;
    full = step.full;
    read.state = step.state;
  }
  return read;
}

TEST(InflateStream, ReadsEveryCodingHoweverItIsCut) {
  const std::string text = LongText();
  const struct {
    std::string coding;
    int window_bits;
  } cases[] = {{"gzip", kGzip}, {"X-Gzip", kGzip}, {"deflate", kZlib}, {"deflate", kRaw}};
  for (const auto& c : cases) {
    const std::string packed = Deflated(text, c.window_bits);
    for (const size_t piece : {size_t{1}, size_t{7}, size_t{4096}, packed.size()}) {
      const Read read = ReadAll(c.coding, packed, piece);
      EXPECT_TRUE(read.text == text) << c.coding << " " << piece;
      EXPECT_EQ(read.state, State::kEnd) << c.coding << " " << piece;
    }
  }
}

TEST(InflateStream, GivesTextAsSoonAsItWasFlushed) {
  z_stream stream{};
  ASSERT_EQ(deflateInit2(&stream, 6, Z_DEFLATED, kGzip, 8, Z_DEFAULT_STRATEGY), Z_OK);
  const auto inflate = InflateStream::For("gzip");
  std::string text;
  for (const std::string event : {"data: one\n\n", "data: two\n\n"}) {
    std::string packed(256, '\0');
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(event.data()));
    stream.avail_in = static_cast<uInt>(event.size());
    stream.next_out = reinterpret_cast<Bytef*>(packed.data());
    stream.avail_out = static_cast<uInt>(packed.size());
    ASSERT_EQ(deflate(&stream, Z_SYNC_FLUSH), Z_OK);
    packed.resize(packed.size() - stream.avail_out);
    text.clear();
    EXPECT_EQ(inflate->Feed(packed, 4096, text).state, State::kMore);
    EXPECT_EQ(text, event);
  }
  deflateEnd(&stream);
}

TEST(InflateStream, ABombGoesOffInSmallSteps) {
  const std::string bomb = Deflated(std::string(size_t{8} << 20, 'a'), kGzip);
  ASSERT_LT(bomb.size(), 16 * 1024u);
  const Read read = ReadAll("gzip", bomb, bomb.size(), 64 * 1024);
  EXPECT_EQ(read.text.size(), size_t{8} << 20);
  EXPECT_LE(read.most_at_once, 64 * 1024u);
}

TEST(InflateStream, BreaksOnGarbageAndOnWhatStandsBehindTheEnd) {
  EXPECT_EQ(ReadAll("gzip", "this is no gzip", 100).state, State::kBroken);
  const std::string packed = Deflated(LongText(), kGzip);
  EXPECT_EQ(ReadAll("gzip", packed + "x", packed.size() + 1).state, State::kBroken);
  EXPECT_EQ(ReadAll("gzip", packed + "x", 1).state, State::kBroken);
  std::string damaged = packed;
  damaged[packed.size() / 2] ^= 1;
  EXPECT_EQ(ReadAll("gzip", damaged, 1000).state, State::kBroken);
}

TEST(InflateStream, DataThatIsCutHasNoEnd) {
  const std::string packed = Deflated(LongText(), kGzip);
  for (const size_t kept : {size_t{0}, size_t{1}, size_t{9}, packed.size() / 2, packed.size() - 1}) {
    EXPECT_EQ(ReadAll("gzip", std::string_view(packed).substr(0, kept), 100).state, State::kMore) << kept;
  }
}

TEST(InflateStream, KnowsNoOtherCoding) {
  EXPECT_EQ(InflateStream::For("br"), nullptr);
  EXPECT_EQ(InflateStream::For("gzip, gzip"), nullptr);
}

}  // namespace
}  // namespace chain429
