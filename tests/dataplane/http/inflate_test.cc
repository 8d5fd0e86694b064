#include "dataplane/http/inflate.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <string>

namespace chain429 {
namespace {

constexpr size_t kLimit = size_t{1} << 20;

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
  for (int i = 0; i < 20000; ++i) text.append(std::to_string(i * 7919)).append(" ");
  return text;
}

TEST(Inflate, ReadsGzipAndBothKindsOfDeflate) {
  for (const std::string& text : {std::string(R"({"choices":[]})"), std::string(), LongText()}) {
    EXPECT_EQ(Inflate("gzip", Deflated(text, 15 + 16), kLimit), text);
    EXPECT_EQ(Inflate("X-GZIP", Deflated(text, 15 + 16), kLimit), text);
    EXPECT_EQ(Inflate("deflate", Deflated(text, 15), kLimit), text);
    EXPECT_EQ(Inflate("deflate", Deflated(text, -15), kLimit), text);
  }
}

TEST(Inflate, RefusesWhatIsCutBrokenOrFollowedByMore) {
  const std::string packed = Deflated(LongText(), 15 + 16);
  for (const size_t kept : {size_t{0}, size_t{1}, size_t{9}, packed.size() / 2, packed.size() - 1}) {
    EXPECT_EQ(Inflate("gzip", std::string_view(packed).substr(0, kept), kLimit), std::nullopt) << kept;
  }
  EXPECT_EQ(Inflate("gzip", packed + "x", kLimit), std::nullopt);
  std::string broken = packed;
  broken[packed.size() / 2] ^= 1;
  EXPECT_EQ(Inflate("gzip", broken, kLimit), std::nullopt);
  EXPECT_EQ(Inflate("gzip", "plain text", kLimit), std::nullopt);
}

TEST(Inflate, RefusesCodingsItDoesNotKnow) {
  EXPECT_EQ(Inflate("br", "x", kLimit), std::nullopt);
  EXPECT_EQ(Inflate("gzip, gzip", Deflated("x", 15 + 16), kLimit), std::nullopt);
}

TEST(Inflate, StopsAtTheLimit) {
  const std::string bomb = Deflated(std::string(100 * kLimit, 'a'), 15 + 16);
  ASSERT_LT(bomb.size(), kLimit);
  EXPECT_EQ(Inflate("gzip", bomb, kLimit), std::nullopt);
  const std::string just = Deflated(std::string(kLimit, 'a'), 15 + 16);
  EXPECT_EQ(Inflate("gzip", just, kLimit), std::string(kLimit, 'a'));
}

}  // namespace
}  // namespace chain429
