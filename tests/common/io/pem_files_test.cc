#include "common/io/pem_files.h"

#include "common/base/text.h"
#include "gtest/gtest.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_certificate.h"

namespace chain429 {
namespace {

class PemFiles : public testing::Test {
 protected:
  void Write(const PemTexts& texts) {
    folder.Write("cert.pem", texts.cert);
    folder.Write("key.pem", texts.key);
  }
  PemPaths Paths(const std::string& ca = "") const {
    return {folder.File("cert.pem"), folder.File("key.pem"), ca, "tls"};
  }
  std::string Error() const { return std::string(FromAbsl(ReadPem(Paths()).status().message())); }

  TemporaryFolder folder;
  const PemTexts one = TestCertificate();
  const PemTexts other = TestCertificate();
};

TEST_F(PemFiles, ReadsAPairThatBelongsTogether) {
  Write(one);
  const auto texts = ReadPem(Paths());
  ASSERT_TRUE(texts.ok()) << texts.status();
  EXPECT_EQ(*texts, one);
}

TEST_F(PemFiles, SaysWhichFlagAndFileIsWrong) {
  const struct {
    const char* what;
    std::string cert;
    std::string key;
    std::string told;
  } cases[] = {
      {"no certificate", "nonsense", one.key, "--tls-cert " + folder.File("cert.pem") + " holds no certificate"},
      {"no key", one.cert, "", "--tls-key " + folder.File("key.pem") + " holds no private key"},
      {"swapped", one.key, one.cert, "holds no certificate"},
      {"another key", one.cert, other.key, "does not belong to the certificate"},
  };
  for (const auto& c : cases) {
    Write({c.cert, c.key, ""});
    EXPECT_NE(Error().find(c.told), std::string::npos) << c.what << ": " << Error();
    EXPECT_EQ(Error().find("PRIVATE KEY"), std::string::npos);
  }
}

TEST_F(PemFiles, SaysThatAFileIsMissing) {
  folder.Write("key.pem", one.key);
  EXPECT_NE(Error().find("--tls-cert " + folder.File("cert.pem") + " cannot be read"), std::string::npos) << Error();
}

TEST_F(PemFiles, AnAuthorityThatIsNamedMustBeOne) {
  Write(one);
  EXPECT_FALSE(ReadPem(Paths(folder.Write("ca.pem", "nothing"))).ok());
  const auto texts = ReadPem(Paths(folder.Write("ca.pem", other.cert)));
  ASSERT_TRUE(texts.ok()) << texts.status();
  EXPECT_EQ(texts->ca, other.cert);
}

TEST_F(PemFiles, AWatchHandsOnWhatIsNewOnce) {
  Write(one);
  PemWatch watch(Paths(), one);
  auto polled = watch.Poll();
  ASSERT_TRUE(polled.ok());
  EXPECT_FALSE(polled->has_value());
  Write(other);
  polled = watch.Poll();
  ASSERT_TRUE(polled.ok());
  ASSERT_TRUE(polled->has_value());
  EXPECT_EQ(**polled, other);
  EXPECT_FALSE(watch.Poll()->has_value());
}

TEST_F(PemFiles, BetweenTheTwoWritesOfARenewalNothingIsSaid) {
  Write(one);
  PemWatch watch(Paths(), one);
  folder.Write("cert.pem", other.cert);
  ASSERT_TRUE(watch.Poll().ok());
  folder.Write("key.pem", other.key);
  const auto polled = watch.Poll();
  ASSERT_TRUE(polled.ok());
  EXPECT_TRUE(polled->has_value());
}

TEST_F(PemFiles, WhatStaysBadIsAnErrorOnce) {
  Write(one);
  PemWatch watch(Paths(), one);
  folder.Write("key.pem", other.key);
  EXPECT_TRUE(watch.Poll().ok());
  EXPECT_FALSE(watch.Poll().ok());
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(watch.Poll().ok());
  folder.Write("key.pem", "worse");
  EXPECT_TRUE(watch.Poll().ok());
  EXPECT_FALSE(watch.Poll().ok()) << "another fault is told again";
  Write(one);
  EXPECT_FALSE(watch.Poll()->has_value()) << "the one that serves is back: nothing to do";
}

}  // namespace
}  // namespace chain429
