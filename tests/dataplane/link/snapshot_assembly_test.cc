#include "dataplane/link/snapshot_assembly.h"

#include <gtest/gtest.h>

namespace chain429 {
namespace {

using Result = absl::StatusOr<std::optional<SnapshotAssembly::Whole>>;

bool IsNothingYet(const Result& result) { return result.ok() && !result->has_value(); }

// As much as there may be.
void Fill(SnapshotAssembly& assembly) {
  const std::string piece(size_t{1} << 20, 'x');
  for (size_t bytes = 0; bytes < SnapshotAssembly::kMaxBytes; bytes += piece.size()) {
    ASSERT_TRUE(IsNothingYet(assembly.Add(1, Version(1), piece, false)));
  }
}

TEST(SnapshotAssembly, IsWholeWithTheLastPiece) {
  SnapshotAssembly assembly;
  EXPECT_TRUE(IsNothingYet(assembly.Add(4, Version(9), "ab", false)));
  EXPECT_TRUE(IsNothingYet(assembly.Add(4, Version(9), "", false)));
  const Result whole = assembly.Add(4, Version(9), "c", true);
  ASSERT_TRUE(whole.ok() && whole->has_value());
  EXPECT_EQ((*whole)->nonce, 4u);
  EXPECT_EQ((*whole)->version, Version(9));
  EXPECT_EQ((*whole)->bytes, "abc");
}

TEST(SnapshotAssembly, OnePieceMayBeAll) {
  SnapshotAssembly assembly;
  const Result whole = assembly.Add(1, Version(1), "abc", true);
  ASSERT_TRUE(whole.ok() && whole->has_value());
  EXPECT_EQ((*whole)->bytes, "abc");
}

TEST(SnapshotAssembly, ANewNonceBeginsAnew) {
  SnapshotAssembly assembly;
  EXPECT_TRUE(IsNothingYet(assembly.Add(1, Version(1), "old", false)));
  const Result whole = assembly.Add(2, Version(1), "new", true);
  ASSERT_TRUE(whole.ok() && whole->has_value());
  EXPECT_EQ((*whole)->bytes, "new");
}

TEST(SnapshotAssembly, AnotherVersionBeginsAnew) {
  SnapshotAssembly assembly;
  EXPECT_TRUE(IsNothingYet(assembly.Add(1, Version(1), "old", false)));
  const Result whole = assembly.Add(1, Version(2), "new", true);
  ASSERT_TRUE(whole.ok() && whole->has_value());
  EXPECT_EQ((*whole)->bytes, "new");
}

TEST(SnapshotAssembly, TheSameSnapshotSentAgainIsWholeAgain) {
  SnapshotAssembly assembly;
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(IsNothingYet(assembly.Add(1, Version(1), "a", false)));
    const Result whole = assembly.Add(1, Version(1), "b", true);
    ASSERT_TRUE(whole.ok() && whole->has_value());
    EXPECT_EQ((*whole)->bytes, "ab");
  }
}

TEST(SnapshotAssembly, ABrokenStreamLeavesNothingBehind) {
  SnapshotAssembly assembly;
  EXPECT_TRUE(IsNothingYet(assembly.Add(1, Version(1), "half", false)));
  assembly.Reset();
  const Result whole = assembly.Add(1, Version(1), "whole", true);
  ASSERT_TRUE(whole.ok() && whole->has_value());
  EXPECT_EQ((*whole)->bytes, "whole");
}

TEST(SnapshotAssembly, TooLargeIsSaidOnceAndItsRestIgnored) {
  SnapshotAssembly assembly;
  Fill(assembly);
  EXPECT_EQ(assembly.Add(1, Version(1), "x", false).status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(IsNothingYet(assembly.Add(1, Version(1), "x", false)));
  EXPECT_TRUE(IsNothingYet(assembly.Add(1, Version(1), "x", true)));
  // The next one is another matter.
  const Result whole = assembly.Add(2, Version(2), "small", true);
  ASSERT_TRUE(whole.ok() && whole->has_value());
  EXPECT_EQ((*whole)->bytes, "small");
}

TEST(SnapshotAssembly, TooLargeWithItsLastPieceIsRefused) {
  SnapshotAssembly assembly;
  Fill(assembly);
  EXPECT_FALSE(assembly.Add(1, Version(1), "x", true).ok());
  const Result whole = assembly.Add(1, Version(1), "again", true);
  ASSERT_TRUE(whole.ok() && whole->has_value());
  EXPECT_EQ((*whole)->bytes, "again");
}

}  // namespace
}  // namespace chain429
