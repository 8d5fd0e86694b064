#include "common/http/target.h"

#include <gtest/gtest.h>

namespace chain429 {
namespace {

using Query = std::vector<std::pair<std::string, std::string>>;

TEST(Target, IsTakenApartAndDecoded) {
  const auto target = DecodeTarget("/a%20b/c+d%2Fe?x=1&y=a%26b+c&z&=e&&x=2&k%3D=%C3%A9");
  ASSERT_TRUE(target);
  EXPECT_EQ(target->path, "/a b/c+d/e");
  EXPECT_EQ(target->query, (Query{{"x", "1"}, {"y", "a&b c"}, {"z", ""}, {"", "e"}, {"x", "2"}, {"k=", "\xC3\xA9"}}));
}

TEST(Target, NeedsNoQuery) {
  for (const std::string_view text : {"/", "/?", "/?&&"}) {
    const auto target = DecodeTarget(text);
    ASSERT_TRUE(target) << text;
    EXPECT_EQ(target->path, "/");
    EXPECT_TRUE(target->query.empty()) << text;
  }
}

TEST(Target, BadEscapesAndEscapedControlCharactersAreRefused) {
  for (const std::string_view text :
       {"/%", "/%1", "/%zz", "/%1g", "/%-1", "/%00", "/%0d%0a", "/%7F", "/?a=%", "/?%7f", "/?a=b%0A", "/a%2"}) {
    EXPECT_FALSE(DecodeTarget(text)) << text;
  }
}

TEST(Target, WhatIsNoPathIsRefused) {
  for (const std::string_view text : {"", "*", "a", "?a", "http://a/b"}) EXPECT_FALSE(DecodeTarget(text)) << text;
}

TEST(PercentDecode, LeavesAPlusAlone) {
  EXPECT_EQ(PercentDecode("vendor%2Fmodel+1"), "vendor/model+1");
  EXPECT_EQ(PercentDecode(""), "");
  EXPECT_EQ(PercentDecode("100%"), std::nullopt);
}

}  // namespace
}  // namespace chain429
