// The spelling of faults in scenarios and in POST /__sim/faults.
#include <algorithm>

#include "tests/sim/bytes.h"
#include "tests/sim/faults.h"

namespace chain429::sim {
namespace {

const std::vector<Fields::Choice<FaultKind>>& Kinds() {
  static const auto* kinds = new std::vector<Fields::Choice<FaultKind>>{
      {"status", FaultKind::kStatus},
      {"rate_limit", FaultKind::kRateLimit},
      {"echo_key", FaultKind::kEchoKey},
      {"redirect", FaultKind::kRedirect},
      {"reset", FaultKind::kReset},
      {"close", FaultKind::kClose},
      {"break", FaultKind::kBreak},
      {"short_body", FaultKind::kShortBody},
      {"stall", FaultKind::kStall},
      {"error_in_200", FaultKind::kErrorIn200},
      {"empty_stream", FaultKind::kEmptyStream},
      {"only_done", FaultKind::kOnlyDone},
      {"only_comments", FaultKind::kOnlyComments},
      {"role_only", FaultKind::kRoleOnly},
      {"no_done", FaultKind::kNoDone},
      {"garbage", FaultKind::kGarbage},
      {"raw", FaultKind::kRaw},
      {"bad_chunk", FaultKind::kBadChunk},
      {"endless_head", FaultKind::kEndlessHead},
      {"bad_gzip", FaultKind::kBadGzip},
      {"drip", FaultKind::kDrip},
      {"slow_head", FaultKind::kSlowHead},
      {"coalesce", FaultKind::kCoalesce},
      {"comments", FaultKind::kComments},
      {"lie", FaultKind::kLie},
      {"interim", FaultKind::kInterim},
      {"second_answer", FaultKind::kSecondAnswer},
      {"close_idle", FaultKind::kCloseIdle},
      {"delay", FaultKind::kDelay},
  };
  return *kinds;
}

void ReadWhen(Fields& fields, FaultSpec* spec) {
  if (fields.Has("probability")) {
    double share = 0;
    fields.Share("probability", &share);
    spec->probability = share;
  }
  if (fields.Has("next")) {
    int64_t next = 0;
    fields.Whole("next", 0, &next);
    spec->next = next;
  }
  fields.Whole("every", 1, &spec->every);
  fields.Whole("skip", 0, &spec->skip);
  fields.Flag("before_limits", &spec->before_limits);
  if (const Json* match = fields.Find("match")) {
    Fields inner(*match, fields.Path("match"), fields.problems());
    inner.Text("model", &spec->model);
    inner.Text("key", &spec->key);
    bool flag = false;
    if (inner.Has("stream")) {
      inner.Flag("stream", &flag);
      spec->stream = flag;
    }
    if (inner.Has("reused")) {
      inner.Flag("reused", &flag);
      spec->reused = flag;
    }
  }
}

void ReadBody(Fields& fields, FaultSpec* spec) {
  if (const Json* body = fields.Find("body")) {
    spec->body = body->is_string() ? body->get<std::string>() : body->dump();
  }
  if (fields.Has("body_base64")) {
    std::string text;
    fields.Text("body_base64", &text);
    spec->body = FromBase64(text);
    if (!spec->body) fields.Wrong("body_base64", "is no base64");
  }
}

void ReadPieces(Fields& fields, FaultSpec* spec) {
  int64_t bytes = 1;
  fields.Whole("bytes", 1, &bytes);
  spec->sizes = {bytes};
  fields.Time("pause", &spec->pause);
  const Json* sizes = fields.Find("sizes");
  if (sizes == nullptr) return;
  bool good = sizes->is_array() && !sizes->empty() && std::all_of(sizes->begin(), sizes->end(), [](const Json& size) {
                return size.is_number_integer() && size.get<int64_t>() > 0;
              });
  if (!good) return fields.Wrong("sizes", "must be a list of whole numbers above 0");
  spec->sizes = sizes->get<std::vector<int64_t>>();
}

void ReadCut(Fields& fields, FaultSpec* spec) {
  fields.OneOf<CutAt>("at", {{"head", CutAt::kHead}, {"content", CutAt::kContent}, {"stream", CutAt::kStream}},
                      &spec->at);
  fields.Whole("after_chunks", 0, &spec->after_chunks);
}

void ReadLimits(Fields& fields, FaultSpec* spec) {
  std::vector<std::string> words;
  fields.Texts("limits", &words);
  for (const std::string& word : words) {
    auto name = std::find_if(kWindowLimits.begin(), kWindowLimits.end(),
                             [&](LimitName limit) { return LimitKey(limit) == word; });
    if (name == kWindowLimits.end()) {
      fields.Wrong("limits", "must be of rpm, rph, rpd, tpm, tph, tpd");
    } else {
      spec->limits.push_back(*name);
    }
  }
}

void ReadLie(Fields& fields, FaultSpec* spec) {
  ReadLimits(fields, spec);
  int64_t number = 0;
  if (fields.Has("limit")) {
    fields.Whole("limit", 0, &number);
    spec->says_limit = number;
  }
  if (fields.Has("remaining")) {
    fields.Whole("remaining", 0, &number);
    spec->says_remaining = number;
  }
  if (fields.Has("reset")) {
    absl::Duration reset;
    fields.Time("reset", &reset);
    spec->says_reset = reset;
  }
  fields.Pairs("headers", &spec->headers);
}

// What belongs to each kind; a key of another kind is reported as unknown.
void ReadWhat(Fields& fields, FaultSpec* spec) {
  switch (spec->kind) {
    case FaultKind::kStatus:
      spec->status = 500;
      fields.Whole("status", 200, &spec->status);
      ReadBody(fields, spec);
      fields.Pairs("headers", &spec->headers);
      break;
    case FaultKind::kRateLimit:
      spec->retry_after = absl::Seconds(20);
      ReadLimits(fields, spec);
      fields.Time("retry_after", &spec->retry_after);
      fields.Pairs("headers", &spec->headers);
      break;
    case FaultKind::kEchoKey:
      spec->status = 401;
      fields.Whole("status", 400, &spec->status);
      break;
    case FaultKind::kRedirect:
      spec->status = 302;
      spec->location = "http://127.0.0.1:9/elsewhere";
      fields.Whole("status", 300, &spec->status);
      fields.Text("location", &spec->location);
      break;
    case FaultKind::kBreak:
      ReadCut(fields, spec);
      fields.Flag("mid_event", &spec->mid_event);
      fields.OneOf<CutBy>("by", {{"close", CutBy::kClose}, {"reset", CutBy::kReset}, {"end", CutBy::kEnd}}, &spec->by);
      break;
    case FaultKind::kStall:
      ReadCut(fields, spec);
      fields.Time("lasts", &spec->lasts);
      break;
    case FaultKind::kErrorIn200:
      ReadBody(fields, spec);
      fields.Whole("after_chunks", 0, &spec->after_chunks);
      fields.Flag("event", &spec->event);
      fields.Flag("done", &spec->done);
      break;
    case FaultKind::kNoDone:
      fields.Flag("finish", &spec->finish);
      break;
    case FaultKind::kGarbage:
    case FaultKind::kRaw:
      ReadBody(fields, spec);
      if (spec->kind == FaultKind::kRaw && !spec->body) fields.Wrong("body", "is missing");
      fields.OneOf<CutBy>("by", {{"close", CutBy::kClose}, {"reset", CutBy::kReset}, {"keep", CutBy::kEnd}}, &spec->by);
      break;
    case FaultKind::kBadChunk:
      fields.Whole("after_chunks", 0, &spec->after_chunks);
      break;
    case FaultKind::kEndlessHead:
      fields.Time("pause", &spec->pause);
      break;
    case FaultKind::kDrip:
    case FaultKind::kSlowHead:
      ReadPieces(fields, spec);
      break;
    case FaultKind::kOnlyComments:
    case FaultKind::kComments:
      spec->count = 3;
      fields.Whole("count", 0, &spec->count);
      fields.Time("pause", &spec->pause);
      ReadBody(fields, spec);
      break;
    case FaultKind::kLie:
      ReadLie(fields, spec);
      break;
    case FaultKind::kInterim:
      spec->status = 103;
      spec->count = 1;
      fields.Whole("status", 100, &spec->status);
      fields.Whole("count", 1, &spec->count);
      break;
    case FaultKind::kSecondAnswer:
    case FaultKind::kCloseIdle:
    case FaultKind::kDelay:
      fields.Time("lasts", &spec->lasts);
      break;
    case FaultKind::kReset:
    case FaultKind::kClose:
    case FaultKind::kShortBody:
    case FaultKind::kEmptyStream:
    case FaultKind::kOnlyDone:
    case FaultKind::kRoleOnly:
    case FaultKind::kBadGzip:
    case FaultKind::kCoalesce:
      break;
  }
}

}  // namespace

std::string_view FaultName(FaultKind kind) {
  for (const auto& choice : Kinds()) {
    if (choice.value == kind) return choice.word;
  }
  return "";
}

FaultSpec ReadFault(const Json& object, const std::string& path, Problems* problems) {
  FaultSpec spec;
  Fields fields(object, path, problems);
  if (!fields.Has("fault")) fields.Wrong("fault", "is missing");
  fields.OneOf("fault", Kinds(), &spec.kind);
  ReadWhen(fields, &spec);
  ReadWhat(fields, &spec);
  return spec;
}

std::vector<FaultSpec> ReadFaults(const Json& value, const std::string& path, Problems* problems) {
  std::vector<FaultSpec> faults;
  if (!value.is_array()) return {ReadFault(value, path, problems)};
  for (size_t i = 0; i < value.size(); ++i) {
    faults.push_back(ReadFault(value[i], path + "[" + std::to_string(i) + "]", problems));
  }
  return faults;
}

}  // namespace chain429::sim
