// A failure as text: "KIND STATUS" on the first line, header lines, an empty line, the body. LF ends the lines.
#include "common/provider/rules.h"

#include <charconv>
#include <map>

#include "common/base/text.h"
#include "common/provider/catalogue.h"
#include "common/provider/durations.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/hostile_bytes.h"

namespace chain429::fuzz {
namespace {

using Rules = std::map<std::string, std::unique_ptr<const ProviderRules>, std::less<>>;

std::unique_ptr<const ProviderRules> Compiled(std::string_view entry) {
  absl::StatusOr<std::unique_ptr<const ProviderRules>> rules = ProviderRules::Compile(entry);
  FUZZ_ASSERT(rules.ok());
  return *std::move(rules);
}

const Rules& BuiltinRules() {
  static const Rules rules = [] {
    Rules compiled;
    const absl::StatusOr<Catalogue> catalogue = Catalogue::Builtin();
    FUZZ_ASSERT(catalogue.ok());
    for (const std::string& kind : catalogue->Kinds()) compiled.emplace(kind, Compiled(catalogue->Find(kind)->json));
    compiled.emplace("", Compiled(""));
    return compiled;
  }();
  return rules;
}

struct Answer {
  std::string_view kind;
  int status = 0;
  std::vector<HeaderField> headers;
  std::string_view body;
};

std::string_view TakeLine(std::string_view& text) {
  const size_t end = std::min(text.find('\n'), text.size());
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(text.size(), end + 1));
  return line;
}

Answer Read(std::string_view text) {
  Answer answer;
  const std::string_view first = TakeLine(text);
  const size_t space = std::min(first.find(' '), first.size());
  answer.kind = first.substr(0, space);
  const std::string_view status = first.substr(std::min(first.size(), space + 1));
  std::from_chars(status.data(), status.data() + status.size(), answer.status);
  answer.status = std::clamp(answer.status, 100, 599);
  while (!text.empty()) {
    const std::string_view line = TakeLine(text);
    if (line.empty()) break;
    const size_t colon = std::min(line.find(':'), line.size());
    answer.headers.push_back({line.substr(0, colon), TrimSpace(line.substr(std::min(line.size(), colon + 1)))});
  }
  answer.body = text;
  return answer;
}

void CheckReadings(const ReadingList& readings) {
  constexpr size_t kMost = 80;
  FUZZ_ASSERT(readings.size() <= kMost);
  for (const Reading& reading : readings) {
    FUZZ_ASSERT(reading.limit >= -1 && reading.remaining >= -1);
    FUZZ_ASSERT(reading.window >= absl::ZeroDuration() && reading.window < absl::InfiniteDuration());
    FUZZ_ASSERT(reading.reset_after >= absl::ZeroDuration());
    FUZZ_ASSERT(reading.reset_after <= kLongestWait || reading.reset_after == absl::InfiniteDuration());
  }
}

void CheckVerdict(const Verdict& verdict) {
  FUZZ_ASSERT(verdict.retry_after >= absl::ZeroDuration() && verdict.retry_after <= kLongestWait);
  constexpr size_t kLongestMessage = 2048;
  FUZZ_ASSERT(verdict.message.size() <= kLongestMessage);
}

bool Same(const Verdict& a, const Verdict& b) {
  return a.error_class == b.error_class && a.scope == b.scope && a.retry_after == b.retry_after &&
         a.authoritative == b.authoritative && a.message == b.message;
}

void Check(const ProviderRules& rules, const Answer& answer, absl::Time now) {
  ReadingList from_headers;
  rules.ReadHeaders(answer.headers, now, from_headers);
  CheckReadings(from_headers);

  ReadingList readings;
  const ExactBytes body(answer.body);
  const Verdict verdict = rules.Classify(answer.status, answer.headers, body.view(), now, readings);
  CheckReadings(readings);
  CheckVerdict(verdict);
  FUZZ_ASSERT(readings.size() >= from_headers.size());

  // Names have no case.
  std::vector<std::string> names;
  names.reserve(answer.headers.size());
  std::vector<HeaderField> shouted = answer.headers;
  for (HeaderField& field : shouted) {
    std::string name(field.name);
    for (char& c : name) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
    names.push_back(std::move(name));
    field.name = names.back();
  }
  ReadingList same_readings;
  FUZZ_ASSERT(Same(verdict, rules.Classify(answer.status, shouted, body.view(), now, same_readings)));
  FUZZ_ASSERT(readings == same_readings);

  for (const bool named_error : {false, true}) {
    ReadingList of_event;
    const Verdict event = rules.ClassifyEvent(body.view(), named_error, now, of_event);
    CheckReadings(of_event);
    CheckVerdict(event);
    FUZZ_ASSERT(event.error_class != ErrorClass::kBadRequest);
    if (named_error) FUZZ_ASSERT(event.error_class != ErrorClass::kOk);
  }
}

void CheckOneInput(std::string_view text) {
  const Answer answer = Read(text);
  const auto found = BuiltinRules().find(answer.kind);
  const absl::Time now = absl::FromUnixSeconds(1'764'000'000);
  Check(found == BuiltinRules().end() ? *BuiltinRules().find("")->second : *found->second, answer, now);
}

}  // namespace
}  // namespace chain429::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  chain429::fuzz::CheckOneInput(chain429::fuzz::Text(data, size));
  return 0;
}
