#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/http/header_field.h"
#include "common/model/settlement.h"
#include "common/provider/auth_style.h"

namespace chain429 {

using ReadingList = std::vector<Reading>;

// What one kind of provider means by its answers, compiled from its catalogue entry. Pure and immutable: any number of
// threads may use one. `wall_now` is the clock that absolute times in headers and bodies are read against. Readings are
// appended.
class ProviderRules {
 public:
  // `entry_json` is CatalogueEntry::json. Empty or "{}": no rules, only the defaults that hold for every provider.
  static absl::StatusOr<std::unique_ptr<const ProviderRules>> Compile(std::string_view entry_json);
  ~ProviderRules();
  ProviderRules(const ProviderRules&) = delete;
  ProviderRules& operator=(const ProviderRules&) = delete;

  // The limits that an answer's headers state; a window that no header names stays 0. Allocates nothing while `out` has
  // capacity (32 is plenty).
  void ReadHeaders(HeaderView headers, absl::Time wall_now, ReadingList& out) const;

  // What a failure (any status but 2xx) means. Reads the headers' limits too, and those that the body states; so it
  // takes the place of ReadHeaders. `body` may be cut, binary or hostile. Where the answer has a
  // Date, absolute times are read against that. `Verdict::retry_after` is 0 with
  // `authoritative` set where the provider said 0.
  Verdict Classify(int status, HeaderView headers, std::string_view body, absl::Time wall_now,
                   ReadingList& readings) const;

  // Judges a JSON payload of an answer with status 200: a plain body, or the data of one stream event. kOk: it is no
  // error. Never kBadRequest, for there is no status to hand back: what would be one is kRefusedHere. `named_error`:
  // the event's name was "error", so that whatever it carries is one.
  Verdict ClassifyEvent(std::string_view payload, bool named_error, absl::Time wall_now, ReadingList& readings) const;

  const AuthStyle& auth() const;

 private:
  struct Compiled;
  explicit ProviderRules(std::unique_ptr<const Compiled> compiled);
  const std::unique_ptr<const Compiled> compiled_;
};

}  // namespace chain429
