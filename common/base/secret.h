#pragma once

#include <cstring>
#include <string>
#include <string_view>
#include <utility>

namespace chain429 {

// A string that no log, dump or stream can print: there is no operator<< and no conversion. `Reveal` is called only
// where the value goes onto a wire. Its memory is overwritten when it goes.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string value) : value_(std::move(value)) {}
  Secret(const Secret&) = default;
  Secret& operator=(const Secret& other) {
    if (this != &other) {
      Wipe();  // a shorter value would leave the end of the longer one behind itself
      value_ = other.value_;
    }
    return *this;
  }
  Secret(Secret&& other) noexcept : value_(other.value_) { other.Wipe(); }
  Secret& operator=(Secret&& other) noexcept {
    if (this != &other) {
      *this = std::as_const(other);
      other.Wipe();
    }
    return *this;
  }
  ~Secret() { Wipe(); }

  const std::string& Reveal() const { return value_; }
  bool empty() const { return value_.empty(); }
  // What people may see: "…abcd", or "…" for secrets too short to show a part of.
  std::string Masked() const { return value_.size() < 12 ? "…" : "…" + value_.substr(value_.size() - 4); }
  friend bool operator==(const Secret&, const Secret&) = default;

 private:
  void Wipe() {
    if (!value_.empty()) explicit_bzero(value_.data(), value_.size());
    value_.clear();
  }
  std::string value_;
};

}  // namespace chain429
