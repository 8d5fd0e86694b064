#include "controlplane/revisions/credential_source.h"

#include <gtest/gtest.h>

#include "tests/controlplane/revisions/revisions_fixture.h"

namespace chain429 {
namespace {

// A configuration with one credential of `source` ("env: K") and one client key of `client` ("env: C").
std::string Text(const std::string& source, const std::string& client = "env: C") {
  return "version: 1\n"
         "auth: {client_keys: [{name: app, " +
         client +
         "}]}\n"
         "providers:\n"
         "  p:\n"
         "    kind: openai\n"
         "    base_url: http://127.0.0.1:1/v1\n"
         "    credentials: [{name: main, " +
         source + "}]\n";
}

class CredentialSource : public testing::Test {
 protected:
  ResolvedSecrets Resolve(const std::string& text) {
    ConfigProblems problems;
    parsed_ = ParseConfig(text, "c.yaml", KnownKinds(), KnownZones, problems);
    EXPECT_NE(parsed_, nullptr) << FormatProblems("c.yaml", problems.Sorted());
    ResolvedSecrets secrets = ResolveSecrets(parsed_->config, world_.environment(), problems);
    EXPECT_TRUE(problems.ok()) << "a missing secret is a warning";
    warnings_ = FormatProblems("c.yaml", problems.Sorted());
    return secrets;
  }

  FakeWorld world_;
  std::unique_ptr<const ParsedConfig> parsed_;
  std::string warnings_;
};

TEST_F(CredentialSource, ReadsAVariableAndAFile) {
  world_.variables = {{"K", "key-of-the-variable"}, {"C", "client-key"}};
  ResolvedSecrets secrets = Resolve(Text("env: K"));
  EXPECT_EQ(secrets.credentials[0][0].key.Reveal(), "key-of-the-variable");
  EXPECT_TRUE(secrets.credentials[0][0].usable);
  EXPECT_EQ(secrets.client_keys[0].Reveal(), "client-key");
  EXPECT_EQ(warnings_, "");

  world_.files = {{"/run/key", "key-of-the-file"}, {"/run/client", "client-of-the-file"}};
  secrets = Resolve(Text("file: /run/key", "file: /run/client"));
  EXPECT_EQ(secrets.credentials[0][0].key.Reveal(), "key-of-the-file");
  EXPECT_EQ(secrets.client_keys[0].Reveal(), "client-of-the-file");
  EXPECT_EQ(warnings_, "");
}

TEST_F(CredentialSource, AFilesTrailingNewlineIsDropped) {
  world_.variables["C"] = "c";
  for (const std::string end : {"\n", "\r\n", ""}) {
    world_.files["/run/key"] = "the-key" + end;
    EXPECT_EQ(Resolve(Text("file: /run/key")).credentials[0][0].key.Reveal(), "the-key");
    EXPECT_EQ(warnings_, "");
  }
}

TEST_F(CredentialSource, AVariableThatIsNotSetDisablesTheCredentialWithAWarningNamingIt) {
  world_.variables["C"] = "c";
  const ResolvedSecrets secrets = Resolve(Text("env: GROQ_API_KEY"));
  EXPECT_FALSE(secrets.credentials[0][0].usable);
  EXPECT_TRUE(secrets.credentials[0][0].key.empty());
  EXPECT_EQ(
      warnings_,
      "c.yaml:7:37: warning: providers.p.credentials[0].env: the environment variable \"GROQ_API_KEY\" is not set: "
      "credential \"main\" of \"p\" is disabled\n");
}

TEST_F(CredentialSource, AFileThatCannotBeReadDisablesTheCredentialWithAWarningNamingIt) {
  world_.variables["C"] = "c";
  const ResolvedSecrets secrets = Resolve(Text("file: /run/secrets/groq"));
  EXPECT_FALSE(secrets.credentials[0][0].usable);
  EXPECT_NE(
      warnings_.find(
          "c.yaml:7:38: warning: providers.p.credentials[0].file: the file \"/run/secrets/groq\" cannot be read (No "
          "such file or directory)"),
      std::string::npos)
      << warnings_;
}

TEST_F(CredentialSource, AMissingClientKeyIsDisabledWithAWarningNamingIt) {
  world_.variables["K"] = "k";
  EXPECT_TRUE(Resolve(Text("env: K")).client_keys[0].empty());
  EXPECT_NE(warnings_.find("the environment variable \"C\" is not set: client key \"app\" is disabled"),
            std::string::npos);
}

TEST_F(CredentialSource, WhatCouldNotStandInAHeaderIsDisabledAndNeverShown) {
  world_.variables["C"] = "c";
  const std::string secret = "s3cr3t-value";
  const std::string broken_ones[] = {"",
                                     " ",
                                     secret + " ",
                                     " " + secret,
                                     secret + "\r\nx-evil: 1",
                                     secret + "\n\n",
                                     secret + "\t",
                                     secret + "\x7f",
                                     secret + "\xc3\xa4",
                                     secret + std::string(1, '\0'),
                                     std::string(20'000, 's')};
  for (const std::string& broken : broken_ones) {
    world_.files["/run/key"] = broken;
    world_.variables["K"] = broken;
    for (const std::string source : {"file: /run/key", "env: K"}) {
      const ResolvedSecrets secrets = Resolve(Text(source));
      EXPECT_FALSE(secrets.credentials[0][0].usable) << broken;
      EXPECT_TRUE(secrets.credentials[0][0].key.empty()) << broken;
      EXPECT_NE(warnings_.find(source.substr(source.find(' ') + 1)), std::string::npos) << warnings_;
      EXPECT_EQ(warnings_.find("s3cr3t"), std::string::npos) << warnings_;
      EXPECT_EQ(warnings_.find("ssss"), std::string::npos) << warnings_;
    }
  }
}

TEST_F(CredentialSource, WhatAProxyResolvesIsNeverLookedForHere) {
  world_.variables = {{"C", "c"}, {"GROQ_KEY", "key-of-another-process"}};
  world_.files["/run/groq"] = "key-of-another-process";
  for (const std::string source : {"proxy_env: GROQ_KEY", "proxy_file: /run/groq"}) {
    const ResolvedSecrets secrets = Resolve(Text(source));
    EXPECT_TRUE(secrets.credentials[0][0].usable);
    EXPECT_TRUE(secrets.credentials[0][0].key.empty());
    EXPECT_EQ(warnings_, "");
    EXPECT_TRUE(SecretFiles(parsed_->config).empty());
  }
  EXPECT_EQ(world_.reads, 0);
}

TEST_F(CredentialSource, SecretsOfDisabledProvidersAreNotLookedFor) {
  const std::string text = Text("file: /run/missing") + "    enabled: false\n";
  world_.variables["C"] = "c";
  const ResolvedSecrets secrets = Resolve(text);
  ASSERT_EQ(secrets.credentials.size(), 1u);
  EXPECT_FALSE(secrets.credentials[0][0].usable);
  EXPECT_EQ(warnings_, "");
  EXPECT_EQ(world_.reads, 0);
  EXPECT_TRUE(SecretFiles(parsed_->config).empty());
}

TEST_F(CredentialSource, EveryMissingSecretHasItsOwnWarningInTheOrderOfTheFile) {
  Resolve(
      "version: 1\n"
      "auth: {client_keys: [{name: app, env: V1}]}\n"
      "providers:\n"
      "  a: {kind: groq, credentials: [{name: x, env: V2}, {name: y, file: /f3}]}\n"
      "  b: {kind: groq, credentials: [{name: x, env: V4}]}\n");
  size_t from = 0;
  for (const std::string name : {"\"V1\"", "\"V2\"", "\"/f3\"", "\"V4\""}) {
    from = warnings_.find(name, from);
    EXPECT_NE(from, std::string::npos) << name << "\n" << warnings_;
  }
}

TEST_F(CredentialSource, NamesTheFilesThatItReads) {
  world_.files = {{"/f1", "a"}, {"/f2", "b"}};
  Resolve(
      "version: 1\n"
      "auth: {client_keys: [{name: app, file: /f1}]}\n"
      "providers: {a: {kind: groq, credentials: [{name: x, file: /f2}, {name: y, proxy_file: /f3}, {name: z, "
      "proxy_env: E}]}}\n");
  EXPECT_EQ(SecretFiles(parsed_->config), (std::vector<std::string>{"/f1", "/f2"}));
}

}  // namespace
}  // namespace chain429
