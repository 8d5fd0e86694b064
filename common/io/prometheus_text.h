#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

namespace chain429 {

struct MetricLabel {
  std::string_view name;
  std::string_view value;
};

// Writes metrics in Prometheus' text format (0.0.4). All samples of a family must follow its Family call.
class PrometheusText {
 public:
  static constexpr std::string_view kContentType = "text/plain; version=0.0.4; charset=utf-8";

  // `type` is counter, gauge or histogram.
  void Family(std::string_view name, std::string_view type, std::string_view help);
  void Sample(std::initializer_list<MetricLabel> labels, uint64_t value);
  void Sample(std::initializer_list<MetricLabel> labels, double value);
  // A family with one sample and no label.
  void Single(std::string_view name, std::string_view type, std::string_view help, uint64_t value);
  void Single(std::string_view name, std::string_view type, std::string_view help, double value);
  // `counts` has one element more than `bounds_micros`: not cumulative, the last takes the rest. Shown in seconds.
  void Histogram(std::initializer_list<MetricLabel> labels, std::span<const uint64_t> bounds_micros,
                 std::span<const uint64_t> counts, uint64_t sum_micros);

  std::string Take() { return std::move(out_); }

 private:
  void Name(std::string_view suffix, std::initializer_list<MetricLabel> labels, std::string_view le);

  std::string family_;
  std::string out_;
};

}  // namespace chain429
