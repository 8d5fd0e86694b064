#include "tests/sim/control.h"

#include <charconv>
#include <map>

namespace chain429::sim {
namespace {

struct Query {
  std::string path;
  std::map<std::string, std::string, std::less<>> values;

  int64_t Number(std::string_view key, int64_t otherwise) const {
    auto found = values.find(key);
    if (found == values.end()) return otherwise;
    int64_t number = otherwise;
    std::from_chars(found->second.data(), found->second.data() + found->second.size(), number);
    return number;
  }
  std::string Text(std::string_view key) const {
    auto found = values.find(key);
    return found == values.end() ? "" : found->second;
  }
};

Query Parse(std::string_view target) {
  Query query;
  size_t mark = target.find('?');
  query.path = target.substr(0, mark);
  while (mark != std::string_view::npos) {
    target.remove_prefix(mark + 1);
    mark = target.find('&');
    std::string_view pair = target.substr(0, mark);
    size_t equals = pair.find('=');
    std::string value(equals == std::string_view::npos ? "1" : pair.substr(equals + 1));
    query.values[std::string(pair.substr(0, equals))] = value;
  }
  return query;
}

HttpAnswer JsonAnswer(int status, const Json& json) {
  HttpAnswer answer;
  answer.status = status;
  answer.body = json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  return answer;
}

HttpAnswer Done(Json json = Json::object()) {
  json["ok"] = true;
  return JsonAnswer(200, json);
}

HttpAnswer Refused(int status, std::string_view message) {
  Json json = Json::object();
  json["ok"] = false;
  json["error"] = message;
  return JsonAnswer(status, json);
}

// One request to the control of one provider.
class ControlRequest {
 public:
  ControlRequest(Provider& provider, std::string_view method, std::string_view target, const std::string& body,
                 absl::Time now)
      : provider_(provider), method_(method), query_(Parse(target)), body_(body), now_(now) {}

  HttpAnswer Handle() {
    std::string what = query_.path.substr(sizeof(kControlPrefix) - 1);
    if (what == "log" && method_ == "GET") return Log();
    if (what == "stats" && method_ == "GET") return JsonAnswer(200, provider_.Stats(now_));
    if (what == "faults" && method_ == "GET") return JsonAnswer(200, provider_.faults().Describe());
    if (what == "faults" && method_ == "DELETE") {
      provider_.faults().Clear();
      return Done();
    }
    if (method_ != "POST" && method_ != "PUT") return Unknown();
    if (what == "faults") return WithBody(&ControlRequest::Faults);
    if (what == "limits") return WithBody(&ControlRequest::Limits);
    if (what == "answer") return WithBody(&ControlRequest::Answer);
    if (what == "provider") return WithBody(&ControlRequest::Behaviour);
    if (what == "release") return Done({{"released", provider_.ReleaseStalled()}});
    if (what == "disconnect") return Done({{"closed", provider_.CloseConnections(query_.Number("idle", 0) != 0)}});
    if (what == "reset") {
      provider_.Reset();
      return Done();
    }
    return Unknown();
  }

 private:
  HttpAnswer Unknown() const {
    return Refused(404,
                   "known are GET log, stats, faults; POST faults, limits, answer, provider, release, disconnect, "
                   "reset; PUT and DELETE faults");
  }

  HttpAnswer Log() const {
    return JsonAnswer(
        200, provider_.log().Since(query_.Number("since", 0), query_.Number("bodies", 0) != 0, provider_.start()));
  }

  using Change = void (ControlRequest::*)(const Json& json, Problems* problems);

  // Parses the body and lets `change` read it; nothing is changed when anything is wrong.
  HttpAnswer WithBody(Change change) {
    absl::StatusOr<Document> document = ParseJson(body_);
    if (!document.ok()) return Refused(400, std::string(document.status().message()));
    Problems problems(*document);
    (this->*change)(document->root, &problems);
    if (absl::Status status = problems.status(); !status.ok()) return Refused(400, std::string(status.message()));
    return Done();
  }

  void Faults(const Json& json, Problems* problems) {
    std::vector<FaultSpec> faults = ReadFaults(json, "faults", problems);
    if (!problems->status().ok()) return;
    if (method_ == "PUT") provider_.faults().Clear();
    provider_.faults().Add(faults);
  }

  void Limits(const Json& json, Problems* problems) {
    std::vector<LimitSetSpec> limits = ReadLimitSets(json, "limits", problems);
    if (problems->status().ok()) provider_.SetLimits(limits, now_);
  }

  void Answer(const Json& json, Problems* problems) {
    ProviderSpec spec = provider_.spec();
    ReadAnswer(json, "answer", problems, &spec.answer);
    if (problems->status().ok()) provider_.SetBehaviour(spec);
  }

  void Behaviour(const Json& json, Problems* problems) {
    for (const char* key : {"name", "listen", "limits", "faults", "log_entries", "log_body_bytes"}) {
      if (json.is_object() && json.contains(key)) problems->Add(key, "cannot be changed here");
    }
    ProviderSpec spec = provider_.spec();
    ReadProvider(json, "", problems, &spec);
    if (problems->status().ok()) provider_.SetBehaviour(spec);
  }

  Provider& provider_;
  std::string_view method_;
  Query query_;
  const std::string& body_;
  absl::Time now_;
};

}  // namespace

std::optional<LogWait> WaitOf(std::string_view method, std::string_view target) {
  Query query = Parse(target);
  if (method != "GET" || query.path != std::string(kControlPrefix) + "log" || !query.values.contains("wait")) {
    return std::nullopt;
  }
  LogWait wait;
  wait.at_most = absl::Seconds(query.Number("wait", 0));
  wait.since = query.Number("since", 0);
  wait.count = query.Number("count", 1);
  wait.verdict = query.Text("verdict");
  wait.finished = query.Number("finished", 0) != 0;
  return wait;
}

HttpAnswer HandleControl(Provider& provider, std::string_view method, std::string_view target, const std::string& body,
                         absl::Time now) {
  return ControlRequest(provider, method, target, body, now).Handle();
}

}  // namespace chain429::sim
