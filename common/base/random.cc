#include "common/base/random.h"

#include <random>

namespace chain429 {

uint64_t Random::Next() {
  uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

uint64_t Random::Below(uint64_t bound) {
  return bound == 0 ? 0 : Next() % bound;  // the bias of a 64-bit modulo is far below what jitter can notice
}

double Random::Uniform() { return static_cast<double>(Next() >> 11) * 0x1.0p-53; }

absl::Duration Random::Jitter(absl::Duration base, double spread) {
  return base * (1.0 - spread + 2.0 * spread * Uniform());
}

uint64_t SystemSeed() {
  std::random_device device;
  return (uint64_t{device()} << 32) | device();
}

}  // namespace chain429
