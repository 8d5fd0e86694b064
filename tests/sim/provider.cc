#include "tests/sim/provider.h"

#include <algorithm>

#include "tests/sim/bytes.h"

namespace chain429::sim {
namespace {

std::string LastFour(const std::string& key) { return key.size() <= 4 ? key : key.substr(key.size() - 4); }

std::string WithoutQuery(const std::string& target) { return target.substr(0, target.find('?')); }

// What a `lie` says instead of the truth.
void Lie(const FaultSpec& fault, std::vector<LimitReading>* readings) {
  std::vector<LimitName> names = fault.limits;
  if (names.empty()) {
    for (const LimitReading& reading : *readings) names.push_back(reading.name);
  }
  for (LimitName name : names) {
    auto reading = std::find_if(readings->begin(), readings->end(),
                                [name](const LimitReading& candidate) { return candidate.name == name; });
    if (reading == readings->end()) {
      readings->push_back({name, 0, 0, 0, UsualLength(name), absl::ZeroDuration()});
      reading = readings->end() - 1;
    }
    if (fault.says_limit) reading->limit = *fault.says_limit;
    if (fault.says_remaining) reading->remaining = *fault.says_remaining;
    if (fault.says_reset) reading->until_reset = *fault.says_reset;
  }
}

}  // namespace

Provider::Provider(const ProviderSpec& spec, uint64_t seed, absl::Time start)
    : original_(spec),
      spec_(spec),
      seed_(seed ^ HashOf(spec.name)),
      start_(start),
      random_(seed_),
      log_(spec.log_entries, spec.log_body_bytes) {
  Reset();
}

void Provider::Reset() {
  spec_ = original_;
  random_ = Random(seed_);
  log_.Clear();
  faults_.Replace(spec_.faults);
  accounts_.clear();
  verdicts_.clear();
  statuses_.clear();
  max_open_requests_ = open_requests_;
  max_open_streams_ = open_streams_;
  disconnects_ = 0;
  connections_ = 0;
  chats_ = 0;
}

bool Provider::KnowsModel(const std::string& model) const {
  return spec_.models.empty() || std::find(spec_.models.begin(), spec_.models.end(), model) != spec_.models.end();
}

const std::string* Provider::AccountOf(const std::string& key) const {
  static const auto* everybody = new std::string();
  if (spec_.keys.empty()) return everybody;
  auto found =
      std::find_if(spec_.keys.begin(), spec_.keys.end(), [&](const KeySpec& known) { return known.key == key; });
  return found == spec_.keys.end() ? nullptr : &found->account;
}

Provider::Account& Provider::AccountNamed(const std::string& name) {
  auto found = accounts_.find(name);
  if (found == accounts_.end()) {
    // Without limits an account still has its windows counted.
    std::vector<LimitSetSpec> sets = spec_.limits;
    if (sets.empty()) sets.emplace_back();
    found = accounts_.emplace(name, Account{name, AccountLimits(sets)}).first;
  }
  return found->second;
}

Exchange Provider::Receive(const IncomingRequest& request, absl::Time now) {
  LogEntry entry;
  entry.at = now;
  entry.method = request.method;
  entry.target = request.target;
  entry.key_end = LastFour(request.key);
  entry.connection = request.connection;
  entry.reused = request.reused;
  entry.head = request.head;
  entry.body = request.body;

  const Manners& manners = request.manners;
  if (request.malformed) {
    return Answer(std::move(entry), manners,
                  ErrorAnswer(spec_.style, 400, "The request is not valid HTTP.", "invalid_request_error", ""),
                  "malformed");
  }
  std::string path = WithoutQuery(request.target);
  bool chat = path == spec_.path + "/chat/completions";
  bool models = path == spec_.path + "/models" || path.starts_with(spec_.path + "/models/");
  if (!chat && !models) {
    return Answer(std::move(entry), manners,
                  ErrorAnswer(spec_.style, 404, "Unknown path: " + path, "invalid_request_error", "unknown_url"),
                  "not_found");
  }
  const std::string* account = AccountOf(request.key);
  if (account == nullptr) {
    return Answer(std::move(entry), manners, UsualError(spec_.style, 401, ""), "unauthorized");
  }
  entry.account = *account;
  if (request.method != (chat ? "POST" : "GET")) {
    return Answer(std::move(entry), manners, UsualError(spec_.style, 405, ""), "method_not_allowed");
  }
  if (models) {
    HttpAnswer answer = ModelsAnswer(path);
    std::string verdict = answer.status == 200 ? "models" : "model_not_found";
    return Answer(std::move(entry), manners, answer, verdict);
  }
  return ReceiveChat(std::move(entry), request, now);
}

Exchange Provider::ReceiveChat(LogEntry entry, const IncomingRequest& request, absl::Time now) {
  std::optional<ChatRequest> chat = ReadChatRequest(request.body);
  if (!chat) {
    return Answer(std::move(entry), request.manners, UsualError(spec_.style, 400, ""), "bad_request");
  }
  entry.model = chat->model;
  entry.stream = chat->stream;
  if (!KnowsModel(chat->model)) {
    return Answer(std::move(entry), request.manners, UsualError(spec_.style, 404, chat->model), "model_not_found");
  }
  AnswerInput input;
  FaultSubject subject{chat->model, request.key, chat->stream, request.reused};
  faults_.Choose(subject, /*before_limits=*/true, random_, &input.faults);

  TokenDemand demand{PromptTokens(spec_.answer, request.body.size()), chat->max_output};
  entry.prompt_tokens = demand.prompt;
  AccountLimits& limits = AccountNamed(entry.account).limits;
  std::optional<Admission> admission;
  LimitView view;
  view.now = now;
  view.stream = chat->stream;
  if (!input.faults.whole) {
    admission.emplace();
    view.refusal = limits.Admit(now, chat->model, demand, &*admission);
  }
  view.readings = limits.Readings(now, chat->model);
  if (view.refusal) return Refuse(std::move(entry), request, *view.refusal, view);
  if (admission) faults_.Choose(subject, /*before_limits=*/false, random_, &input.faults);

  input.spec = &spec_.answer;
  input.style = spec_.style;
  input.manners = request.manners;
  input.key = request.key;
  std::string id = spec_.name + "-" + std::to_string(++chats_);
  input.completion = MakeCompletion(spec_.answer, *chat, request.body, seed_, id, absl::ToUnixSeconds(now), random_);
  input.request = *std::move(chat);
  view.cost = demand.prompt + input.completion.completion_tokens;
  if (const FaultSpec* lie = input.faults.Modifier(FaultKind::kLie)) Lie(*lie, &view.readings);
  input.headers = HeadersOf(view);
  if (const FaultSpec* lie = input.faults.Modifier(FaultKind::kLie)) {
    input.headers.insert(input.headers.end(), lie->headers.begin(), lie->headers.end());
  }
  std::string verdict = "ok";
  if (input.faults.whole) {
    verdict = "fault:" + std::string(FaultName(input.faults.whole->kind));
    if (input.faults.whole->kind == FaultKind::kRateLimit) {
      input.headers.clear();
      LayOutRateLimit(input.request.model, view, &*input.faults.whole);
    }
  }
  for (const FaultSpec& modifier : input.faults.modifiers) entry.modifiers.emplace_back(FaultName(modifier.kind));
  Exchange exchange = Begin(std::move(entry), ChatScript(input, random_), std::move(verdict));
  exchange.admission = std::move(admission);
  return exchange;
}

// A 429 in the provider's own words though no limit is full, as when somebody else has used it up.
void Provider::LayOutRateLimit(const std::string& model, const LimitView& view, FaultSpec* fault) const {
  LimitView full = view;
  LimitName name = fault->limits.empty() ? LimitName::kRpm : fault->limits.front();
  auto reading = std::find_if(full.readings.begin(), full.readings.end(),
                              [name](const LimitReading& candidate) { return candidate.name == name; });
  if (reading == full.readings.end()) {
    full.readings.push_back({name, 30, 30, 0, UsualLength(name), fault->retry_after});
    reading = full.readings.end() - 1;
  }
  reading->used = reading->limit;
  reading->remaining = 0;
  reading->until_reset = std::max(reading->until_reset, fault->retry_after);
  Refusal refusal{name, reading->limit, reading->used, 1, reading->length, fault->retry_after, reading->until_reset};
  full.refusal = refusal;
  HttpAnswer answer = RefusalAnswer(spec_.style, refusal, model, view.now);
  fault->status = answer.status;
  fault->body = answer.body;
  std::vector<Header> headers = HeadersOf(full);
  std::vector<Header> retry = RetryHeaders(spec_.style, spec_.retry_after, refusal, view.now);
  headers.insert(headers.end(), retry.begin(), retry.end());
  fault->headers.insert(fault->headers.begin(), headers.begin(), headers.end());
}

Exchange Provider::Refuse(LogEntry entry, const IncomingRequest& request, const Refusal& refusal,
                          const LimitView& view) {
  entry.limit = refusal.name;
  entry.wait = refusal.wait;
  HttpAnswer answer = RefusalAnswer(spec_.style, refusal, entry.model, view.now);
  answer.headers = RetryHeaders(spec_.style, spec_.retry_after, refusal, view.now);
  std::vector<Header> limits = HeadersOf(view);
  answer.headers.insert(answer.headers.end(), limits.begin(), limits.end());
  return Answer(std::move(entry), request.manners, answer, "rate_limited");
}

std::vector<Header> Provider::HeadersOf(const LimitView& view) const {
  bool limited = view.refusal.has_value();
  bool hidden = spec_.headers_on == HeadersOn::kNever || (spec_.headers_on == HeadersOn::kOk && limited) ||
                (spec_.headers_on == HeadersOn::kLimited && !limited);
  return hidden ? std::vector<Header>{} : LimitHeaders(spec_.style, view);
}

HttpAnswer Provider::ModelsAnswer(const std::string& target) const {
  auto describe = [this](const std::string& model) {
    return Json{{"id", model}, {"object", "model"}, {"created", 1700000000}, {"owned_by", spec_.name}};
  };
  HttpAnswer answer;
  std::string prefix = spec_.path + "/models/";
  if (target.starts_with(prefix)) {
    std::string model = target.substr(prefix.size());
    if (!KnowsModel(model)) return UsualError(spec_.style, 404, model);
    answer.body = describe(model).dump();
    return answer;
  }
  Json data = Json::array();
  for (const std::string& model : spec_.models) data.push_back(describe(model));
  answer.body = Json{{"object", "list"}, {"data", data}}.dump();
  return answer;
}

Exchange Provider::Answer(LogEntry entry, const Manners& manners, const HttpAnswer& answer, std::string verdict) {
  return Begin(std::move(entry), PlainScript(answer, manners), std::move(verdict));
}

Exchange Provider::Begin(LogEntry entry, Script script, std::string verdict) {
  entry.verdict = std::move(verdict);
  entry.status = script.status;
  ++verdicts_[entry.verdict];
  ++statuses_[entry.status];
  max_open_requests_ = std::max(max_open_requests_, ++open_requests_);
  if (entry.stream) max_open_streams_ = std::max(max_open_streams_, ++open_streams_);
  Exchange exchange;
  exchange.script = std::move(script);
  exchange.entry = log_.Add(std::move(entry));
  return exchange;
}

void Provider::Sent(Exchange& exchange, const Step& step, size_t bytes, absl::Time now) {
  LogEntry& entry = *exchange.entry;
  if (!entry.first_byte_at) entry.first_byte_at = now;
  entry.bytes_sent += static_cast<int64_t>(bytes);
  entry.completion_tokens += step.tokens;
  if (step.content) ++entry.chunks_sent;
}

void Provider::Finish(Exchange& exchange, bool disconnected, absl::Time now) {
  LogEntry& entry = *exchange.entry;
  entry.finished_at = now;
  if (disconnected) {
    entry.disconnected_at = now;
    ++disconnects_;
  }
  --open_requests_;
  if (entry.stream) --open_streams_;
  if (exchange.admission) AccountLimits::Finish(*exchange.admission, now, entry.completion_tokens);
}

}  // namespace chain429::sim
