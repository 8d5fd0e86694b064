#include "common/wire/bootstrap.h"

#include <google/protobuf/util/json_util.h>

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "chain429/v1/fleet.pb.h"
#include "common/base/text.h"
#include "common/wire/model_wire.h"

namespace chain429::wire {
namespace {

namespace json_util = google::protobuf::util;

bool LooksSecret(std::string_view header) {
  const std::string name = LowerAscii(header);
  for (const std::string_view word : {"auth", "key", "token", "secret", "cookie", "password", "credential"}) {
    if (name.find(word) != std::string::npos) return true;
  }
  return false;
}

std::vector<std::string> LeaveOutKeys(v1::Snapshot& snapshot) {
  std::vector<std::string> notes;
  for (v1::Provider& provider : *snapshot.mutable_providers()) {
    for (v1::Credential& credential : *provider.mutable_credentials()) {
      credential.clear_key();
      const bool by_proxy = !credential.proxy_env().empty() || !credential.proxy_file().empty();
      if (!by_proxy && credential.usable()) {
        notes.push_back(absl::StrCat("credential \"", credential.name(), "\" of \"", provider.name(),
                                     "\": its key stays with the control plane; a proxy cannot use it before it is "
                                     "attached"));
      }
      credential.set_usable(by_proxy);
    }
  }
  return notes;
}

std::string ToJson(const v1::Snapshot& snapshot) {
  json_util::JsonPrintOptions options;
  options.add_whitespace = true;
  options.preserve_proto_field_names = true;
  std::string text;
  // Fails only for messages with fields of type Any.
  if (!json_util::MessageToJsonString(snapshot, &text, options).ok()) text = "{}";
  return text;
}

}  // namespace

BootstrapText ToBootstrap(const Snapshot& snapshot) {
  v1::Snapshot message;
  Encode(snapshot, &message);
  BootstrapText text;
  text.notes = LeaveOutKeys(message);
  for (v1::Provider& provider : *message.mutable_providers()) {
    google::protobuf::RepeatedPtrField<v1::Header> harmless;
    for (v1::Header& header : *provider.mutable_headers()) {
      if (!LooksSecret(header.name())) {
        harmless.Add(std::move(header));
      } else {
        text.notes.push_back(absl::StrCat("header \"", header.name(), "\" of \"", provider.name(),
                                          "\": left out, because it may be a credential"));
      }
    }
    provider.mutable_headers()->Swap(&harmless);
  }
  text.json = ToJson(message);
  return text;
}

std::string ToRedactedBootstrap(const Snapshot& snapshot) {
  v1::Snapshot message;
  Encode(snapshot, &message);
  LeaveOutKeys(message);
  for (v1::Provider& provider : *message.mutable_providers()) provider.clear_headers();
  message.clear_client_keys();
  return ToJson(message);
}

absl::StatusOr<Snapshot> ParseBootstrap(std::string_view text) {
  std::string inner;
  const nlohmann::json whole = nlohmann::json::parse(text, nullptr, false);
  if (whole.is_discarded()) return absl::InvalidArgumentError("it is not JSON");
  if (!whole.is_object()) return absl::InvalidArgumentError("it is not a JSON object");
  if (const auto member = whole.find("bootstrap"); member != whole.end()) {
    inner = member->dump();
    text = inner;
  }
  v1::Snapshot message;
  const auto parsed = json_util::JsonStringToMessage({text.data(), text.size()}, &message);
  if (!parsed.ok()) return absl::InvalidArgumentError(absl::StrCat("it is no snapshot: ", parsed.ToString()));
  absl::StatusOr<Snapshot> snapshot = Decode(message);
  if (!snapshot.ok()) return snapshot.status();
  if (absl::Status indexed = snapshot->Index(); !indexed.ok()) return indexed;
  return snapshot;
}

}  // namespace chain429::wire
