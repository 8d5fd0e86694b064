#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tests/sim/distribution.h"
#include "tests/sim/document.h"
#include "tests/sim/faults.h"
#include "tests/sim/limits.h"
#include "tests/sim/styles.h"

namespace chain429::sim {

// What the content of an answer is.
enum class Content {
  kWords,   // repeatable words, derived from the seed and the request's body
  kText,    // the given text
  kSha256,  // the hexadecimal SHA-256 of the request's body
  kEcho,    // the request's body
};
enum class Framing { kLength, kChunked, kUntilClose };

// How answers look and how long they take.
struct AnswerSpec {
  Distribution latency;      // before the head
  Distribution ttft;         // after it, before the first content
  Distribution chunk_delay;  // before each further chunk
  Distribution chunks{Distribution::Kind::kConstant, 5, 0, std::nullopt};
  int64_t content_bytes = 0;  // 0: a word a chunk
  Content content = Content::kWords;
  std::string text;
  std::optional<Distribution> completion_tokens;  // none: content bytes / 4
  int64_t bytes_per_token = 4;
  int64_t reasoning_chunks = 0;  // before the content
  std::string reasoning_field = "reasoning_content";
  bool tools = true;             // call a tool when the request has some
  bool crlf = false;             // events end their lines with CR LF
  bool multi_line = false;       // events have several data lines
  bool space_after_colon = true;
  Framing plain_framing = Framing::kLength;
  Framing stream_framing = Framing::kChunked;
  std::vector<Header> headers;   // on every completion
};

struct KeySpec {
  std::string key;
  std::string account;  // keys of one account share its limits
};

enum class HeadersOn { kStyle, kOk, kLimited, kNever };

struct ProviderSpec {
  std::string name = "sim";
  std::string listen = "127.0.0.1:0";
  std::string path = "/v1";
  std::vector<std::string> models;  // empty: any
  std::vector<KeySpec> keys;        // empty: none needed
  Style style = Style::kOpenAi;
  HeadersOn headers_on = HeadersOn::kStyle;
  RetryAfter retry_after = RetryAfter::kStyle;
  std::vector<LimitSetSpec> limits;
  AnswerSpec answer;
  std::vector<FaultSpec> faults;
  int64_t log_entries = 100'000;      // the newest are kept
  int64_t log_body_bytes = 64 << 20;  // of the bodies kept for the log
  int64_t send_buffer = 0;            // SO_SNDBUF; 0: the system's choice
  absl::Duration idle_timeout = absl::InfiniteDuration();  // of a kept connection
};

struct Scenario {
  uint64_t seed = 1;
  std::vector<ProviderSpec> providers;
};

absl::StatusOr<Scenario> ReadScenario(const Document& document);

// The parts that can be changed at run time, each as in a scenario. What a document does not name stays as it is.
void ReadAnswer(const Json& object, const std::string& path, Problems* problems, AnswerSpec* answer);
std::vector<LimitSetSpec> ReadLimitSets(const Json& value, const std::string& path, Problems* problems);
void ReadProvider(const Json& object, const std::string& path, Problems* problems, ProviderSpec* provider);

}  // namespace chain429::sim
