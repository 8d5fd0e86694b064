#include "controlplane/revisions/sha256.h"

#include <gtest/gtest.h>

#include "absl/strings/escaping.h"
#include "common/base/text.h"

namespace chain429 {
namespace {

// The examples of FIPS 180-2.
TEST(Sha256, GivesTheStandardsValues) {
  const std::pair<std::string, std::string> cases[] = {
      {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
      {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
      {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
       "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
      {std::string(1'000'000, 'a'), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
  };
  for (const auto& [text, hex] : cases) EXPECT_EQ(absl::BytesToHexString(Sha256(text)), hex);
}

TEST(Sha256, TakesBytesOfAnyValue) {
  EXPECT_EQ(Sha256(std::string_view("\0a", 2)).size(), 32u);
  EXPECT_NE(Sha256(std::string_view("\0a", 2)), Sha256(std::string_view("\0b", 2)));
}

}  // namespace
}  // namespace chain429
