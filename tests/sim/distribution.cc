#include "tests/sim/distribution.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numbers>
#include <vector>

#include "tests/sim/duration_text.h"

namespace chain429::sim {
namespace {

std::optional<double> Number(std::string_view text) {
  double number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(number) || number < 0) {
    return std::nullopt;
  }
  return number;
}

std::optional<double> Seconds(std::string_view text) {
  std::optional<absl::Duration> duration = ParseDuration(text);
  if (!duration) return std::nullopt;
  return absl::ToDoubleSeconds(*duration);
}

std::vector<std::string_view> SplitAtColons(std::string_view text) {
  std::vector<std::string_view> parts;
  while (true) {
    size_t colon = text.find(':');
    parts.push_back(text.substr(0, colon));
    if (colon == std::string_view::npos) return parts;
    text.remove_prefix(colon + 1);
  }
}

using Reader = std::optional<double> (*)(std::string_view);

std::optional<Distribution> Parse(std::string_view text, Reader quantity) {
  std::vector<std::string_view> parts = SplitAtColons(text);
  Distribution result;
  if (parts.size() == 1) {
    std::optional<double> value = quantity(parts[0]);
    if (!value) return std::nullopt;
    result.a = *value;
    return result;
  }
  bool uniform = parts[0] == "uniform" && parts.size() == 3;
  bool lognormal = parts[0] == "lognormal" && (parts.size() == 3 || parts.size() == 4);
  if (!uniform && !lognormal) return std::nullopt;
  result.kind = uniform ? Distribution::Kind::kUniform : Distribution::Kind::kLognormal;
  std::optional<double> a = quantity(parts[1]);
  std::optional<double> b = uniform ? quantity(parts[2]) : Number(parts[2]);
  if (!a || !b || (uniform && *b < *a)) return std::nullopt;
  result.a = *a;
  result.b = *b;
  if (parts.size() == 4) {
    result.most = quantity(parts[3]);
    if (!result.most) return std::nullopt;
  }
  return result;
}

}  // namespace

double Random::Normal() {
  // Box and Muller; 1 - u keeps the logarithm's argument above zero.
  double radius = std::sqrt(-2.0 * std::log(1.0 - Uniform()));
  return radius * std::cos(2.0 * std::numbers::pi * Uniform());
}

double Distribution::Draw(Random& random) const {
  switch (kind) {
    case Kind::kConstant:
      return a;
    case Kind::kUniform:
      return a + (b - a) * random.Uniform();
    case Kind::kLognormal: {
      double value = a * std::exp(b * random.Normal());
      return most ? std::min(value, *most) : value;
    }
  }
  return a;
}

std::optional<Distribution> ParseDelay(std::string_view text) { return Parse(text, &Seconds); }
std::optional<Distribution> ParseAmount(std::string_view text) { return Parse(text, &Number); }

absl::Duration DrawDelay(const Distribution& distribution, Random& random) {
  return absl::Seconds(distribution.Draw(random));
}

int64_t DrawAmount(const Distribution& distribution, Random& random) {
  return static_cast<int64_t>(std::llround(distribution.Draw(random)));
}

}  // namespace chain429::sim
