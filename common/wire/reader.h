#pragma once

#include <cstdint>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/base/ids.h"
#include "common/base/text.h"

namespace chain429::wire {

// INT64_MAX stands for an infinite duration, both ways.
inline int64_t ToWire(absl::Duration duration) { return absl::ToInt64Nanoseconds(duration); }
inline absl::Duration FromWire(int64_t nanos) {
  return nanos == INT64_MAX ? absl::InfiniteDuration() : absl::Nanoseconds(nanos);
}

// Reads the fields of one message and keeps the first complaint, so that a decoder is a list of fields with one check
// at its end.
class Reader {
 public:
  void Refuse(std::string_view field, std::string_view why) {
    if (status_.ok()) status_ = absl::InvalidArgumentError(absl::StrCat(ToAbsl(field), ": ", ToAbsl(why)));
  }
  void Require(bool condition, std::string_view field, std::string_view why) {
    if (!condition) Refuse(field, why);
  }

  absl::Duration Duration(int64_t nanos, std::string_view field) {
    Require(nanos >= 0, field, "negative");
    return FromWire(nanos);
  }
  int64_t Count(int64_t value, std::string_view field) {
    Require(value >= 0, field, "negative");
    return value;
  }
  uint32_t Positive(uint32_t value, std::string_view field) {
    Require(value > 0, field, "zero");
    return value;
  }
  template <typename IdType>
  IdType Required(uint64_t value, std::string_view field) {
    Require(value != 0, field, "missing");
    return IdType(value);
  }
  // Both sides number their enums alike from `first`, the wire's number of the model's 0, up to `last`.
  template <typename Model>
  Model Enum(int wire, int first, Model last, std::string_view field) {
    if (wire < first || wire - first > static_cast<int>(last)) {
      Refuse(field, absl::StrCat("unknown value ", wire));
      return Model{};
    }
    return static_cast<Model>(wire - first);
  }
  template <typename IdType, typename Repeated>
  void Ids(const Repeated& in, std::vector<IdType>& out, std::string_view field) {
    out.reserve(static_cast<size_t>(in.size()));
    for (const uint64_t id : in) out.push_back(Required<IdType>(id, field));
  }
  // A part with a decoder of its own; its complaint is prefixed with `field`.
  template <typename T>
  T Part(absl::StatusOr<T> part, std::string_view field) {
    if (part.ok()) return *std::move(part);
    if (status_.ok()) status_ = absl::InvalidArgumentError(absl::StrCat(ToAbsl(field), ".", part.status().message()));
    return T{};
  }
  template <typename T, typename Repeated, typename DecodeOne>
  void Each(const Repeated& in, std::vector<T>& out, std::string_view field, DecodeOne decode) {
    out.reserve(static_cast<size_t>(in.size()));
    for (int i = 0; i < in.size() && status_.ok(); ++i) {
      absl::StatusOr<T> part = decode(in[i]);
      if (part.ok()) {
        out.push_back(*std::move(part));
      } else {
        status_ = absl::InvalidArgumentError(absl::StrCat(ToAbsl(field), "[", i, "].", part.status().message()));
      }
    }
  }

  template <typename T>
  absl::StatusOr<T> Result(T value) {
    if (!status_.ok()) return std::move(status_);
    return value;
  }
  const absl::Status& status() const { return status_; }

 private:
  absl::Status status_;
};

}  // namespace chain429::wire
