#include "tests/dst/provider_window.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"

namespace chain429::dst {
namespace {

class Sliding final : public ProviderWindow {
 public:
  explicit Sliding(absl::Duration length) : length_(length) {}

  int64_t Used(const Moment& now) override {
    while (!entries_.empty() && now.at - entries_.front().at >= length_) {
      used_ -= entries_.front().amount;
      entries_.pop_front();
      ++first_;
    }
    return used_;
  }
  uint64_t Add(int64_t amount, const Moment& now) override {
    Used(now);
    entries_.push_back({now.at, amount});
    used_ += amount;
    return first_ + entries_.size() - 1;
  }
  void Change(uint64_t entry, int64_t by, const Moment& now) override {
    Used(now);
    if (entry < first_) return;
    entries_[entry - first_].amount += by;
    used_ += by;
  }
  absl::Duration UntilFree(int64_t amount, const Moment& now) override {
    Used(now);
    for (const Entry& entry : entries_) {
      if (amount <= 0) break;
      amount -= entry.amount;
      if (amount <= 0) return length_ - (now.at - entry.at);
    }
    return amount > 0 ? length_ : absl::ZeroDuration();
  }
  void set_limit(int64_t, const Moment&) override {}

 private:
  struct Entry {
    MonoTime at;
    int64_t amount = 0;
  };
  const absl::Duration length_;
  std::deque<Entry> entries_;
  uint64_t first_ = 0;
  int64_t used_ = 0;
};

class Fixed final : public ProviderWindow {
 public:
  explicit Fixed(ProviderLimit limit) : limit_(std::move(limit)) {}

  int64_t Used(const Moment& now) override {
    if (now.wall < period_.start || now.wall >= period_.end) {
      period_ = FixedPeriodOf(limit_, now.wall);
      used_ = 0;
      ++number_;
    }
    return used_;
  }
  uint64_t Add(int64_t amount, const Moment& now) override {
    Used(now);
    used_ += amount;
    return number_;
  }
  void Change(uint64_t entry, int64_t by, const Moment& now) override {
    Used(now);
    if (entry == number_) used_ += by;
  }
  absl::Duration UntilFree(int64_t amount, const Moment& now) override {
    Used(now);
    return amount > 0 ? period_.end - now.wall : absl::ZeroDuration();
  }
  void set_limit(int64_t, const Moment&) override {}

 private:
  const ProviderLimit limit_;
  FixedPeriod period_{absl::InfiniteFuture(), absl::InfinitePast()};
  uint64_t number_ = 0;
  int64_t used_ = 0;
};

// Fills continuously, up to the limit.
class Bucket final : public ProviderWindow {
 public:
  explicit Bucket(const ProviderLimit& limit) : length_(limit.length), amount_(limit.amount) {}

  int64_t Used(const Moment& now) override {
    const double flowed = absl::FDivDuration(now.at - at_, length_) * static_cast<double>(amount_);
    used_ = std::max(0.0, used_ - flowed);
    at_ = now.at;
    return static_cast<int64_t>(std::ceil(used_ - 1e-9));
  }
  uint64_t Add(int64_t amount, const Moment& now) override {
    Used(now);
    used_ += static_cast<double>(amount);
    return 0;
  }
  void Change(uint64_t, int64_t by, const Moment& now) override {
    Used(now);
    used_ = std::max(0.0, used_ + static_cast<double>(by));
  }
  absl::Duration UntilFree(int64_t amount, const Moment& now) override {
    const int64_t used = Used(now);
    if (amount <= 0) return absl::ZeroDuration();
    const double keep = static_cast<double>(std::max<int64_t>(0, used - amount));
    return length_ * std::max(0.0, (used_ - keep) / static_cast<double>(amount_));
  }
  void set_limit(int64_t amount, const Moment& now) override {
    Used(now);
    amount_ = amount;
  }

 private:
  const absl::Duration length_;
  int64_t amount_;
  double used_ = 0;
  MonoTime at_;
};

class AtOnce final : public ProviderWindow {
 public:
  int64_t Used(const Moment&) override { return used_; }
  uint64_t Add(int64_t amount, const Moment&) override { return used_ += amount, 0; }
  void Change(uint64_t, int64_t by, const Moment&) override { used_ += by; }
  absl::Duration UntilFree(int64_t, const Moment&) override { return absl::Seconds(1); }
  void set_limit(int64_t, const Moment&) override {}

 private:
  int64_t used_ = 0;
};

}  // namespace

std::string ProviderLimit::Name() const {
  switch (unit) {
    case Unit::kConcurrency:
      return "concurrency";
    case Unit::kRequests:
      return absl::StrCat("requests per ", absl::FormatDuration(length));
    case Unit::kTokens:
      return absl::StrCat("tokens per ", absl::FormatDuration(length));
  }
  return {};
}

std::unique_ptr<ProviderWindow> ProviderWindow::Make(const ProviderLimit& limit) {
  if (limit.unit == ProviderLimit::Unit::kConcurrency) return std::make_unique<AtOnce>();
  switch (limit.kind) {
    case ProviderLimit::Kind::kSliding:
      return std::make_unique<Sliding>(limit.length);
    case ProviderLimit::Kind::kFixed:
      return std::make_unique<Fixed>(limit);
    case ProviderLimit::Kind::kBucket:
      return std::make_unique<Bucket>(limit);
  }
  return nullptr;
}

// Days are those of the local calendar; shorter stretches are counted on the local clock from the anchor on.
FixedPeriod FixedPeriodOf(const ProviderLimit& limit, absl::Time t) {
  absl::TimeZone zone = absl::UTCTimeZone();
  absl::LoadTimeZone(limit.zone, &zone);
  const int64_t length = absl::ToInt64Seconds(limit.length);
  const absl::CivilSecond local = absl::ToCivilSecond(t - limit.anchor, zone);
  if (length >= 86400) {
    const absl::CivilDay today(local);
    const auto edge = [&](const absl::CivilDay& day) { return absl::FromCivil(day, zone) + limit.anchor; };
    return {edge(today), edge(today + 1)};
  }
  const int64_t into = (local.hour() * 3600 + local.minute() * 60 + local.second()) % length;
  const absl::Time whole = absl::FromUnixSeconds(absl::ToUnixSeconds(t)) - absl::Seconds(into);
  return {whole, whole + limit.length};
}

}  // namespace chain429::dst
