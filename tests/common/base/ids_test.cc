#include "common/base/ids.h"

#include <string>
#include <type_traits>
#include <unordered_set>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace chain429 {
namespace {

TEST(Ids, CompareOnlyWithTheirOwnKind) {
  static_assert(!std::is_convertible_v<PoolId, TargetId>);
  static_assert(!std::is_convertible_v<uint64_t, PoolId>);
  static_assert(!std::is_convertible_v<PoolId, uint64_t>);
  EXPECT_LT(Epoch(1), Epoch(2));
  EXPECT_EQ(PoolId(7), PoolId(7));
  EXPECT_FALSE(static_cast<bool>(PermitId()));
  EXPECT_TRUE(static_cast<bool>(PermitId(1)));
}

TEST(Ids, AreKeysOfMaps) {
  EXPECT_EQ((absl::flat_hash_set<PoolId>{PoolId(1), PoolId(2), PoolId(1)}).size(), 2u);
  EXPECT_EQ((std::unordered_set<PoolId>{PoolId(1), PoolId(2), PoolId(1)}).size(), 2u);
}

// Two releases of the planes talk to each other, and marks of limits outlive a release: these numbers are for ever.
TEST(StableId, IsTheSameInEveryRelease) {
  EXPECT_EQ(StableId("groq"), 0xd8fbdb755af1845eu);
  EXPECT_EQ(StableId("groq/main/openai/gpt-oss-120b"), 0x1ac141705652deefu);
  EXPECT_EQ(StableId(""), 0x3f2c2c1421adb54bu);
}

TEST(StableId, TellsNamesApartAndIsNeverNone) {
  absl::flat_hash_set<uint64_t> seen;
  for (int i = 0; i < 20'000; ++i) {
    for (const char* form : {"", "a", "provider/group-", "|"}) {
      const uint64_t id = StableId(absl::StrCat(form, "#", i));
      EXPECT_NE(id, 0u);
      EXPECT_TRUE(seen.insert(id).second) << form << i;
    }
  }
  EXPECT_NE(StableId(std::string("a\0b", 3)), StableId("a"));
}

// Tables of both planes take the low bits, others the high ones.
TEST(StableId, SpreadsShortNamesOverAllBits) {
  absl::flat_hash_set<uint64_t> low, high;
  for (int i = 0; i < 4096; ++i) {
    low.insert(StableId(absl::StrCat(i)) & 0xffff);
    high.insert(StableId(absl::StrCat(i)) >> 48);
  }
  // 4,096 thrown into 65,536 places at random hit about 3,970 of them.
  EXPECT_GT(low.size(), 3900u);
  EXPECT_GT(high.size(), 3900u);
}

}  // namespace
}  // namespace chain429
