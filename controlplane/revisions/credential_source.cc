#include "controlplane/revisions/credential_source.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/text.h"
#include "common/config/secrecy.h"

namespace chain429 {
namespace {

constexpr size_t kLongestSecret = 16 * 1024;

// A file made with an editor or `echo` ends in a line break that is not part of the key.
void DropLineBreak(std::string& text) {
  if (text.ends_with('\n')) text.pop_back();
  if (text.ends_with('\r')) text.pop_back();
}

bool IsHeaderSafe(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

class SecretResolver {
 public:
  SecretResolver(const Environment& environment, ConfigProblems& problems)
      : environment_(environment), problems_(problems) {}

  // `consequence` ends the warning.
  Secret Resolve(const SecretSource& source, const std::string& consequence) {
    const bool is_file = source.kind == SecretSource::Kind::kFile;
    const std::string what =
        absl::StrCat(is_file ? "the file " : "the environment variable ", QuoteUnlessKey(source.name));
    std::string text;
    std::string fault;
    if (is_file) {
      absl::StatusOr<std::string> contents = environment_.file(source.name, kLongestSecret);
      if (contents.ok()) text = *std::move(contents);
      if (!contents.ok()) fault = absl::StrCat(" cannot be read (", contents.status().message(), ")");
      DropLineBreak(text);
    } else {
      std::optional<std::string> value = environment_.variable(source.name);
      if (!value) fault = " is not set";
      text = std::move(value).value_or("");
    }
    if (fault.empty() && text.empty()) fault = " is empty";
    if (fault.empty() && text.size() > kLongestSecret) fault = " is too long for a key";
    if (fault.empty() && !IsHeaderSafe(text)) fault = " holds blanks, line breaks or other characters that no key has";
    Secret secret(std::move(text));
    if (fault.empty()) return secret;
    problems_.Warning(source.at, source.path, absl::StrCat(what, fault, ": ", consequence));
    return Secret();
  }

 private:
  const Environment& environment_;
  ConfigProblems& problems_;
};

bool ByProxy(const SecretSource& source) {
  return source.kind == SecretSource::Kind::kProxyEnv || source.kind == SecretSource::Kind::kProxyFile;
}

}  // namespace

ResolvedSecrets ResolveSecrets(const Config& config, const Environment& environment, ConfigProblems& problems) {
  SecretResolver resolver(environment, problems);
  ResolvedSecrets secrets;
  for (const ClientKeyConfig& key : config.client_keys) {
    secrets.client_keys.push_back(
        resolver.Resolve(key.source, absl::StrCat("client key \"", key.name, "\" is disabled")));
  }
  for (const ProviderConfig& provider : config.providers) {
    std::vector<ResolvedCredential>& resolved = secrets.credentials.emplace_back();
    for (const CredentialConfig& credential : provider.credentials) {
      ResolvedCredential& out = resolved.emplace_back();
      if (!provider.enabled) continue;
      if (!ByProxy(credential.source)) {
        out.key = resolver.Resolve(credential.source, absl::StrCat("credential \"", credential.name, "\" of \"",
                                                                   provider.name, "\" is disabled"));
      }
      out.usable = ByProxy(credential.source) || !out.key.empty();
    }
  }
  return secrets;
}

std::vector<std::string> SecretFiles(const Config& config) {
  std::vector<std::string> files;
  const auto add = [&](const SecretSource& source) {
    if (source.kind == SecretSource::Kind::kFile) files.push_back(source.name);
  };
  for (const ClientKeyConfig& key : config.client_keys) add(key.source);
  for (const ProviderConfig& provider : config.providers) {
    if (!provider.enabled) continue;
    for (const CredentialConfig& credential : provider.credentials) add(credential.source);
  }
  return files;
}

}  // namespace chain429
