#include "tests/sim/limits.h"

#include <algorithm>

namespace chain429::sim {

std::string_view LimitKey(LimitName name) {
  switch (name) {
    case LimitName::kRpm:
      return "rpm";
    case LimitName::kRph:
      return "rph";
    case LimitName::kRpd:
      return "rpd";
    case LimitName::kTpm:
      return "tpm";
    case LimitName::kTph:
      return "tph";
    case LimitName::kTpd:
      return "tpd";
    case LimitName::kConcurrency:
      return "concurrency";
  }
  return "";
}

absl::Duration UsualLength(LimitName name) {
  switch (name) {
    case LimitName::kRpm:
    case LimitName::kTpm:
      return absl::Minutes(1);
    case LimitName::kRph:
    case LimitName::kTph:
      return absl::Hours(1);
    case LimitName::kRpd:
    case LimitName::kTpd:
      return absl::Hours(24);
    case LimitName::kConcurrency:
      return absl::ZeroDuration();
  }
  return absl::ZeroDuration();
}

LimitBook::LimitBook(const LimitSetSpec& spec, std::string scope) : spec_(spec), scope_(std::move(scope)) {
  for (LimitName name : kWindowLimits) {
    size_t i = static_cast<size_t>(name);
    if (spec.windows[i]) windows_[i] = MakeWindow(*spec.windows[i]);
  }
  // The busiest minute is worth knowing without a limit, too. Longer windows would keep every request ever made.
  for (LimitName name : {LimitName::kRpm, LimitName::kTpm}) {
    size_t i = static_cast<size_t>(name);
    if (windows_[i] == nullptr) windows_[i] = MakeWindow(WindowSpec{});
  }
}

int64_t LimitBook::UpFront(const TokenDemand& demand) const {
  if (spec_.charge == Charge::kOnUse) return demand.prompt;
  return demand.prompt + demand.max_output.value_or(spec_.default_max_tokens);
}

std::optional<Refusal> LimitBook::Check(absl::Time now, const TokenDemand& demand) {
  std::optional<Refusal> refusal;
  for (LimitName name : kWindowLimits) {
    if (!has_window(name)) continue;
    Window& w = window(name);
    int64_t amount = IsTokens(name) ? UpFront(demand) : 1;
    absl::Duration wait = w.WaitFor(now, amount);
    if (wait == absl::ZeroDuration() || (refusal && wait <= refusal->wait)) continue;
    refusal = Refusal{name, w.capacity(), w.Used(now), amount, w.spec().length, wait, w.UntilReset(now)};
  }
  if (!refusal && spec_.concurrency > 0 && in_flight_ >= spec_.concurrency) {
    absl::Duration none = absl::ZeroDuration();
    refusal = Refusal{LimitName::kConcurrency, spec_.concurrency, in_flight_, 1, none, none, none};
  }
  return refusal;
}

void LimitBook::Admit(absl::Time now, const TokenDemand& demand) {
  for (LimitName name : kWindowLimits) {
    if (has_window(name)) window(name).Add(now, IsTokens(name) ? UpFront(demand) : 1);
  }
  max_in_flight_ = std::max(max_in_flight_, ++in_flight_);
  ++admitted_;
}

void LimitBook::CountRefused(absl::Time now) {
  if (!spec_.count_refused) return;
  for (LimitName name : kWindowLimits) {
    if (has_window(name) && !IsTokens(name)) window(name).Add(now, 1);
  }
}

void LimitBook::Finish(absl::Time admitted_at, absl::Time now, const TokenDemand& demand, int64_t completion) {
  --in_flight_;
  if (spec_.charge == Charge::kUpFrontKept) return;
  for (LimitName name : kWindowLimits) {
    if (!has_window(name) || !IsTokens(name)) continue;
    if (spec_.charge == Charge::kUpFront) {
      window(name).Correct(admitted_at, now, demand.prompt + completion - UpFront(demand));
    } else if (completion > 0) {
      window(name).Add(now, completion);
    }
  }
}

void LimitBook::AppendReadings(absl::Time now, std::vector<LimitReading>* readings) {
  for (LimitName name : kWindowLimits) {
    if (!has_window(name) || window(name).spec().limit == 0) continue;
    Window& w = window(name);
    int64_t used = w.Used(now);
    readings->push_back(
        {name, w.capacity(), used, std::max<int64_t>(0, w.capacity() - used), w.spec().length, w.UntilReset(now)});
  }
  if (spec_.concurrency > 0) {
    int64_t free = std::max<int64_t>(0, spec_.concurrency - in_flight_);
    readings->push_back(
        {LimitName::kConcurrency, spec_.concurrency, in_flight_, free, absl::ZeroDuration(), absl::ZeroDuration()});
  }
}

void LimitBook::Reconfigure(absl::Time now, const LimitSetSpec& spec) {
  LimitBook fresh(spec, scope_);
  for (size_t i = 0; i < windows_.size(); ++i) {
    Window* old = windows_[i].get();
    Window* wanted = fresh.windows_[i].get();
    bool same = old != nullptr && wanted != nullptr && old->spec().kind == wanted->spec().kind &&
                old->spec().length == wanted->spec().length && old->spec().anchor == wanted->spec().anchor &&
                old->spec().from_first == wanted->spec().from_first && old->spec().zone == wanted->spec().zone;
    if (same) {
      old->Used(now);  // what has passed until now is paid back at the old rate
      old->SetLimit(wanted->spec().limit, wanted->spec().burst);
    } else {
      windows_[i] = std::move(fresh.windows_[i]);
    }
  }
  spec_ = spec;
}

std::vector<std::shared_ptr<LimitBook>> AccountLimits::BooksFor(const std::string& model) {
  std::vector<std::shared_ptr<LimitBook>> books;
  for (size_t i = 0; i < specs_.size(); ++i) {
    const LimitSetSpec& spec = specs_[i];
    if (!spec.model.empty() && spec.model != model) continue;
    bool of_model = spec.per_model || !spec.model.empty();
    auto& book = books_[{i, of_model ? model : ""}];
    if (book == nullptr) book = std::make_shared<LimitBook>(spec, of_model ? "model " + model : "account");
    books.push_back(book);
  }
  return books;
}

std::optional<Refusal> AccountLimits::Admit(absl::Time now, const std::string& model, const TokenDemand& demand,
                                            Admission* admission) {
  std::vector<std::shared_ptr<LimitBook>> books = BooksFor(model);
  std::optional<Refusal> refusal;
  for (const auto& book : books) {
    std::optional<Refusal> found = book->Check(now, demand);
    if (found && (!refusal || found->wait > refusal->wait)) refusal = found;
  }
  for (const auto& book : books) {
    if (refusal) {
      book->CountRefused(now);
    } else {
      book->Admit(now, demand);
    }
  }
  if (!refusal) *admission = Admission{now, demand, std::move(books)};
  return refusal;
}

void AccountLimits::Finish(const Admission& admission, absl::Time now, int64_t completion) {
  for (const auto& book : admission.books) book->Finish(admission.at, now, admission.demand, completion);
}

std::vector<LimitReading> AccountLimits::Readings(absl::Time now, const std::string& model) {
  std::vector<LimitReading> all;
  for (const auto& book : BooksFor(model)) book->AppendReadings(now, &all);
  std::vector<LimitReading> tightest;
  for (const LimitReading& reading : all) {
    auto same = std::find_if(tightest.begin(), tightest.end(),
                             [&](const LimitReading& other) { return other.name == reading.name; });
    if (same == tightest.end()) {
      tightest.push_back(reading);
    } else if (reading.remaining < same->remaining) {
      *same = reading;
    }
  }
  return tightest;
}

void AccountLimits::Reconfigure(absl::Time now, const std::vector<LimitSetSpec>& specs) {
  specs_ = specs;
  for (auto entry = books_.begin(); entry != books_.end();) {
    const auto& [position, model] = entry->first;
    bool kept = position < specs_.size();
    if (kept) {
      const LimitSetSpec& spec = specs_[position];
      kept = (spec.per_model || !spec.model.empty()) == !model.empty() && (spec.model.empty() || spec.model == model);
    }
    if (kept) {
      entry->second->Reconfigure(now, specs_[position]);
      ++entry;
    } else {
      entry = books_.erase(entry);
    }
  }
}

std::vector<std::shared_ptr<LimitBook>> AccountLimits::AllBooks() const {
  std::vector<std::shared_ptr<LimitBook>> books;
  for (const auto& entry : books_) books.push_back(entry.second);
  return books;
}

}  // namespace chain429::sim
