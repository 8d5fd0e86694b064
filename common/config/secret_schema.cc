#include "common/config/secret_schema.h"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/text.h"

namespace chain429 {
namespace {

struct SourceKey {
  std::string_view name;
  SecretSource::Kind kind;
};
constexpr std::array<SourceKey, 4> kSources = {{{"env", SecretSource::Kind::kEnv},
                                                {"file", SecretSource::Kind::kFile},
                                                {"proxy_env", SecretSource::Kind::kProxyEnv},
                                                {"proxy_file", SecretSource::Kind::kProxyFile}}};

bool IsProxySource(SecretSource::Kind kind) {
  return kind == SecretSource::Kind::kProxyEnv || kind == SecretSource::Kind::kProxyFile;
}
bool IsVariable(SecretSource::Kind kind) {
  return kind == SecretSource::Kind::kEnv || kind == SecretSource::Kind::kProxyEnv;
}

bool IsVariableName(std::string_view text) {
  const auto is_word = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  return !text.empty() && text.size() <= 255 && is_word(text.front()) &&
         std::all_of(text.begin(), text.end(), [&](char c) { return is_word(c) || (c >= '0' && c <= '9'); });
}

std::optional<SecretSource> ReadSource(const ConfigMember& member, SecretSource::Kind kind, const ConfigPlace& place,
                                       const ValueReader& read) {
  const std::optional<std::string> text = read.String(member.value, place);
  if (!text) return std::nullopt;
  if (IsVariable(kind) && !IsVariableName(*text)) {
    read.Error(member.value.at, place, "not the name of an environment variable; the key itself does not belong here");
    return std::nullopt;
  }
  if (text->empty()) {
    read.Error(member.value.at, place, "the name of a file is missing");
    return std::nullopt;
  }
  return SecretSource{kind, *text, member.value.at, place.path};
}

}  // namespace

std::optional<SecretSource> ReadSecretSource(ConfigFields& fields, bool by_proxy) {
  std::vector<const ConfigMember*> given;
  std::optional<SecretSource> source;
  for (const SourceKey& key : kSources) {
    const ConfigMember* member = fields.Take(key.name);
    if (member == nullptr) continue;
    given.push_back(member);
    const ConfigPlace place = fields.place().Key(*member);
    if (IsProxySource(key.kind) && !by_proxy) {
      fields.read().Error(member->key_at, place, "a client's key is resolved by the control plane: use env or file");
    } else {
      source = ReadSource(*member, key.kind, place, fields.read());
    }
  }
  if (const ConfigMember* stored = fields.Take("stored"); stored != nullptr) {
    given.push_back(stored);
    fields.read().Error(stored->key_at, fields.place().Key(*stored), NotSupportedYet("stored secrets"));
  }
  const std::string allowed = by_proxy ? "env, file, proxy_env or proxy_file" : "env or file";
  if (given.empty() && fields.valid()) {
    fields.read().Error(fields.place().at, fields.place(),
                        absl::StrCat("no source of the key: write one of ", allowed));
  }
  if (given.size() > 1) {
    fields.read().Error(given[1]->key_at, fields.place(),
                        absl::StrCat("more than one source of the key: write only one of ", allowed));
  }
  return source;
}

}  // namespace chain429
