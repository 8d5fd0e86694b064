#include "common/base/secret.h"

#include <cstddef>
#include <cstring>
#include <new>
#include <ostream>
#include <string>
#include <type_traits>
#include <utility>

#include "common/base/log.h"
#include "gtest/gtest.h"

namespace chain429 {
namespace {

template <typename T>
concept Printable = requires(std::ostream& out, const T& value) { out << value; };

TEST(Secret, CannotBePrintedConvertedOrLogged) {
  static_assert(!Printable<Secret>);
  static_assert(!std::is_convertible_v<Secret, std::string>);
  static_assert(!std::is_convertible_v<Secret, std::string_view>);
  static_assert(!std::is_convertible_v<std::string, Secret>);
  static_assert(!std::is_constructible_v<LogField, std::string_view, Secret>);
  EXPECT_EQ(Secret("sk-1").Reveal(), "sk-1");
}

TEST(Secret, ShowsItsLastFourCharactersOnlyWhenLongEnough) {
  EXPECT_EQ(Secret("sk-0123456789abcd").Masked(), "…abcd");
  EXPECT_EQ(Secret("0123456789ab").Masked(), "…89ab");
  EXPECT_EQ(Secret("0123456789a").Masked(), "…");
  EXPECT_EQ(Secret("abcd").Masked(), "…");
  EXPECT_EQ(Secret().Masked(), "…");
}

TEST(Secret, MovingEmptiesTheSource) {
  for (const std::string& value : {std::string("short"), std::string(100, 'k')}) {
    Secret from(value);
    Secret to(std::move(from));
    EXPECT_EQ(to.Reveal(), value);
    EXPECT_TRUE(from.empty());  // NOLINT(bugprone-use-after-move): what is tested
    Secret assigned("other");
    assigned = std::move(to);
    EXPECT_EQ(assigned.Reveal(), value);
    EXPECT_TRUE(to.empty());  // NOLINT(bugprone-use-after-move)
  }
}

TEST(Secret, CopiesCompareEqual) {
  const Secret a("key-of-somebody"), b(a);
  EXPECT_TRUE(a == b);
  EXPECT_FALSE(a == Secret("key-of-another"));
  Secret self("kept");
  Secret& same = self;
  self = same;
  EXPECT_EQ(self.Reveal(), "kept");
  self = std::move(same);
  EXPECT_EQ(self.Reveal(), "kept");
}

bool Holds(const std::byte* memory, size_t size, std::string_view text) {
  const auto* chars = reinterpret_cast<const char*>(memory);
  return std::string_view(chars, size).find(text) != std::string_view::npos;
}

TEST(Secret, IsOverwrittenWhenItGoes) {
  alignas(Secret) std::byte memory[sizeof(Secret)];
  // Short enough to lie within the object itself.
  auto* secret = new (memory) Secret("sk-short-key");
  ASSERT_TRUE(Holds(memory, sizeof memory, "short-key"));
  secret->~Secret();
  EXPECT_FALSE(Holds(memory, sizeof memory, "short-key"));
  EXPECT_FALSE(Holds(memory, sizeof memory, "sk-s"));
}

TEST(Secret, AShorterOneLeavesNothingOfTheLonger) {
  alignas(Secret) std::byte memory[sizeof(Secret)];
  auto* secret = new (memory) Secret("abcdefghijkl");
  const Secret shorter("xy");
  *secret = shorter;
  EXPECT_FALSE(Holds(memory, sizeof memory, "ghijkl"));
  *secret = Secret("abcdefghijkl");
  *secret = Secret("z");
  EXPECT_EQ(secret->Reveal(), "z");
  EXPECT_FALSE(Holds(memory, sizeof memory, "ghijkl"));
  secret->~Secret();
}

}  // namespace
}  // namespace chain429
