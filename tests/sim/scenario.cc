#include "tests/sim/scenario.h"

#include <set>

namespace chain429::sim {
namespace {

void ReadKeys(Fields& fields, std::vector<KeySpec>* keys) {
  const Json* list = fields.Find("keys");
  if (list == nullptr) return;
  if (!list->is_array()) return fields.Wrong("keys", "must be a list of keys, or of {key, account}");
  keys->clear();
  for (size_t i = 0; i < list->size(); ++i) {
    const Json& item = (*list)[i];
    KeySpec key;
    if (item.is_string()) {
      key.key = item.get<std::string>();
    } else {
      Fields inner(item, fields.Path("keys") + "[" + std::to_string(i) + "]", fields.problems());
      inner.Text("key", &key.key);
      inner.Text("account", &key.account);
      if (key.key.empty()) inner.Wrong("key", "is missing");
    }
    keys->push_back(std::move(key));
  }
}

std::vector<Fields::Choice<Style>> StyleChoices() {
  std::vector<Fields::Choice<Style>> choices;
  for (const StyleWord& word : StyleWords()) choices.push_back({word.word, word.style});
  return choices;
}

void CheckListen(Fields& fields, const std::string& listen) {
  size_t colon = listen.rfind(':');
  bool good = colon != std::string::npos && colon > 0 && colon + 1 < listen.size() &&
              listen.find_first_not_of("0123456789", colon + 1) == std::string::npos && listen.size() - colon <= 6 &&
              std::stoi(listen.substr(colon + 1)) <= 65535;
  if (!good) fields.Wrong("listen", "must be ADDRESS:PORT");
}

}  // namespace

void ReadAnswer(const Json& object, const std::string& path, Problems* problems, AnswerSpec* answer) {
  Fields fields(object, path, problems);
  fields.Delay("latency", &answer->latency);
  fields.Delay("ttft", &answer->ttft);
  fields.Delay("chunk_delay", &answer->chunk_delay);
  fields.Amount("chunks", &answer->chunks);
  fields.Whole("content_bytes", 0, &answer->content_bytes);
  fields.OneOf<Content>(
      "content",
      {{"words", Content::kWords}, {"text", Content::kText}, {"sha256", Content::kSha256}, {"echo", Content::kEcho}},
      &answer->content);
  fields.Text("text", &answer->text);
  if (fields.Has("text") && !fields.Has("content")) answer->content = Content::kText;
  if (fields.Has("completion_tokens")) {
    Distribution tokens;
    fields.Amount("completion_tokens", &tokens);
    answer->completion_tokens = tokens;
  }
  fields.Whole("bytes_per_token", 1, &answer->bytes_per_token);
  fields.Whole("reasoning_chunks", 0, &answer->reasoning_chunks);
  fields.Text("reasoning_field", &answer->reasoning_field);
  fields.Flag("tools", &answer->tools);
  fields.Flag("crlf", &answer->crlf);
  fields.Flag("multi_line", &answer->multi_line);
  fields.Flag("space_after_colon", &answer->space_after_colon);
  fields.OneOf<Framing>("plain_framing",
                        {{"length", Framing::kLength}, {"chunked", Framing::kChunked}, {"close", Framing::kUntilClose}},
                        &answer->plain_framing);
  fields.OneOf<Framing>("stream_framing", {{"chunked", Framing::kChunked}, {"close", Framing::kUntilClose}},
                        &answer->stream_framing);
  fields.Pairs("headers", &answer->headers);
}

void ReadProvider(const Json& object, const std::string& path, Problems* problems, ProviderSpec* provider) {
  Fields fields(object, path, problems);
  fields.Text("name", &provider->name);
  fields.Text("listen", &provider->listen);
  CheckListen(fields, provider->listen);
  fields.Text("path", &provider->path);
  if (!provider->path.empty() && (!provider->path.starts_with('/') || provider->path.ends_with('/'))) {
    fields.Wrong("path", "must begin and may not end with a slash");
  }
  fields.Texts("models", &provider->models);
  ReadKeys(fields, &provider->keys);
  fields.OneOf("style", StyleChoices(), &provider->style);
  fields.OneOf<HeadersOn>("headers_on",
                          {{"style", HeadersOn::kStyle},
                           {"ok", HeadersOn::kOk},
                           {"limited", HeadersOn::kLimited},
                           {"never", HeadersOn::kNever}},
                          &provider->headers_on);
  fields.OneOf<RetryAfter>("retry_after",
                           {{"style", RetryAfter::kStyle},
                            {"none", RetryAfter::kNone},
                            {"seconds", RetryAfter::kSeconds},
                            {"float", RetryAfter::kFloat},
                            {"millis", RetryAfter::kMillis},
                            {"date", RetryAfter::kDate}},
                           &provider->retry_after);
  if (const Json* limits = fields.Find("limits")) {
    provider->limits = ReadLimitSets(*limits, fields.Path("limits"), problems);
  }
  if (const Json* answer = fields.Find("answer")) {
    ReadAnswer(*answer, fields.Path("answer"), problems, &provider->answer);
  }
  if (const Json* faults = fields.Find("faults")) {
    provider->faults = ReadFaults(*faults, fields.Path("faults"), problems);
  }
  fields.Whole("log_entries", 1, &provider->log_entries);
  fields.Whole("log_body_bytes", 0, &provider->log_body_bytes);
  fields.Whole("send_buffer", 0, &provider->send_buffer);
  fields.Time("idle_timeout", &provider->idle_timeout);
}

absl::StatusOr<Scenario> ReadScenario(const Document& document) {
  Scenario scenario;
  Problems problems(document);
  {
    Fields fields(document.root, "", &problems);
    int64_t seed = 1;
    fields.Whole("seed", 0, &seed);
    scenario.seed = static_cast<uint64_t>(seed);
    const Json* providers = fields.Find("providers");
    if (providers == nullptr || !providers->is_array() || providers->empty()) {
      fields.Wrong("providers", "must be a list of at least one provider");
    } else {
      std::set<std::string> names;
      for (size_t i = 0; i < providers->size(); ++i) {
        std::string path = "providers[" + std::to_string(i) + "]";
        ProviderSpec provider;
        ReadProvider((*providers)[i], path, &problems, &provider);
        if (!names.insert(provider.name).second) problems.Add(path + ".name", "another provider has this name");
        scenario.providers.push_back(std::move(provider));
      }
    }
  }
  if (absl::Status status = problems.status(); !status.ok()) return status;
  return scenario;
}

}  // namespace chain429::sim
