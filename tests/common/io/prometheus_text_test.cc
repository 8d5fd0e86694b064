#include "common/io/prometheus_text.h"

#include <array>

#include "gtest/gtest.h"

namespace chain429 {
namespace {

TEST(PrometheusText, WritesFamiliesAndSamples) {
  PrometheusText text;
  text.Family("a_total", "counter", "What it counts.");
  text.Sample({{"x", "1"}, {"y", "q\"uo\\te\nd"}}, uint64_t{7});
  text.Single("b", "gauge", "B.", 1234567.25);
  EXPECT_EQ(text.Take(),
            "# HELP a_total What it counts.\n# TYPE a_total counter\na_total{x=\"1\",y=\"q\\\"uo\\\\te\\nd\"} 7\n"
            "# HELP b B.\n# TYPE b gauge\nb 1234567.25\n");
}

TEST(PrometheusText, HistogramsAreCumulativeInSeconds) {
  constexpr std::array<uint64_t, 2> kBounds = {1000, 2500000};
  constexpr std::array<uint64_t, 3> kCounts = {2, 0, 1};
  PrometheusText text;
  text.Family("h", "histogram", "H.");
  text.Histogram({{"t", "x"}}, kBounds, kCounts, 4001000);
  EXPECT_EQ(text.Take(),
            "# HELP h H.\n# TYPE h histogram\n"
            "h_bucket{t=\"x\",le=\"0.001\"} 2\nh_bucket{t=\"x\",le=\"2.5\"} 2\nh_bucket{t=\"x\",le=\"+Inf\"} 3\n"
            "h_sum{t=\"x\"} 4.001\nh_count{t=\"x\"} 3\n");
}

}  // namespace
}  // namespace chain429
