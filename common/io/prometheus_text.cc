#include "common/io/prometheus_text.h"

#include <charconv>

#include "absl/strings/str_cat.h"
#include "common/base/text.h"

namespace chain429 {
namespace {

void AppendEscaped(std::string& out, std::string_view value) {
  for (const char c : value) {
    if (c == '\\' || c == '"') out.push_back('\\');
    if (c == '\n') {
      out.append("\\n");
    } else {
      out.push_back(c);
    }
  }
}

// The shortest text that reads back as the same number: StrCat's six digits would make a long histogram sum stand
// still.
std::string Exact(double value) {
  char text[32];
  const auto [end, error] = std::to_chars(text, text + sizeof text, value);
  return error == std::errc() ? std::string(text, end) : "NaN";
}

}  // namespace

void PrometheusText::Family(std::string_view name, std::string_view type, std::string_view help) {
  family_ = std::string(name);
  absl::StrAppend(&out_, "# HELP ", ToAbsl(name), " ", ToAbsl(help), "\n# TYPE ", ToAbsl(name), " ", ToAbsl(type),
                  "\n");
}

void PrometheusText::Name(std::string_view suffix, std::initializer_list<MetricLabel> labels, std::string_view le) {
  absl::StrAppend(&out_, family_, ToAbsl(suffix));
  char separator = '{';
  for (const MetricLabel& label : labels) {
    out_.push_back(separator);
    absl::StrAppend(&out_, ToAbsl(label.name), "=\"");
    AppendEscaped(out_, label.value);
    out_.push_back('"');
    separator = ',';
  }
  if (!le.empty()) {
    out_.push_back(separator);
    absl::StrAppend(&out_, "le=\"", ToAbsl(le), "\"");
    separator = ',';
  }
  out_.append(separator == ',' ? "} " : " ");
}

void PrometheusText::Sample(std::initializer_list<MetricLabel> labels, uint64_t value) {
  Name("", labels, "");
  absl::StrAppend(&out_, value, "\n");
}

void PrometheusText::Sample(std::initializer_list<MetricLabel> labels, double value) {
  Name("", labels, "");
  absl::StrAppend(&out_, Exact(value), "\n");
}

void PrometheusText::Single(std::string_view name, std::string_view type, std::string_view help, uint64_t value) {
  Family(name, type, help);
  Sample({}, value);
}

void PrometheusText::Single(std::string_view name, std::string_view type, std::string_view help, double value) {
  Family(name, type, help);
  Sample({}, value);
}

void PrometheusText::Histogram(std::initializer_list<MetricLabel> labels, std::span<const uint64_t> bounds_micros,
                               std::span<const uint64_t> counts, uint64_t sum_micros) {
  uint64_t total = 0;
  for (size_t i = 0; i < counts.size(); ++i) {
    total += counts[i];
    Name("_bucket", labels, i < bounds_micros.size() ? Exact(static_cast<double>(bounds_micros[i]) / 1e6) : "+Inf");
    absl::StrAppend(&out_, total, "\n");
  }
  Name("_sum", labels, "");
  absl::StrAppend(&out_, Exact(static_cast<double>(sum_micros) / 1e6), "\n");
  Name("_count", labels, "");
  absl::StrAppend(&out_, total, "\n");
}

}  // namespace chain429
