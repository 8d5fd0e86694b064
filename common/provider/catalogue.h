#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/model/pool.h"
#include "common/model/snapshot.h"
#include "common/provider/auth_style.h"
#include "common/provider/setup.h"

namespace chain429 {

// A model that a kind is known to serve.
struct CatalogueModel {
  std::string id;                    // what the provider calls it
  std::string canonical;             // the name shared by all providers; empty: none
  std::vector<std::string> aliases;  // further names that mean it
  int64_t context = 0;               // tokens; 0: unknown
  std::vector<Limit> limits;         // its own known limits; provenance kCatalogue
  std::optional<CreditRates> rates;  // what it costs in the provider's own currency; none: not known
};

// What is known of one kind of provider.
struct CatalogueEntry {
  std::string kind;
  std::string title;                      // its name for people
  std::string base_url;                   // empty: the configuration has to say it
  AuthStyle auth;
  PoolScope pool_scope = PoolScope::kGroup;
  bool pool_per_credential = false;       // nothing is known of accounts: each credential is an account of its own
  std::vector<Limit> limits;  // known limits where the model has none of its own; provenance kCatalogue. With
                              // kFreeModels they are those of the free models' pool and of no other
  std::map<std::string, WindowSpec, std::less<>>
      windows;  // how its windows move, by the configuration's keys ("rpd"); absent: sliding
  std::vector<CatalogueModel> models;  // by id
  ChargeRule charging;
  bool ask_usage = true;  // takes stream_options.include_usage
  absl::Duration first_token =
      absl::ZeroDuration();  // overrides the chain's timeout where it is longer; 0: nothing known
  std::string as_of;  // date of the limits, "2026-08-22"; empty: undated
  bool unverified = false;  // some of it was never seen on the wire
  std::optional<CatalogueSetup> setup;  // what a first configuration needs; none: has to be configured by hand
  std::string json;  // the whole entry but for its setup as canonical JSON (sorted keys, no spaces): what
                     // ProviderRules::Compile takes
};

// A named text: `name` stands in errors ("my-provider.yaml").
struct CatalogueText {
  std::string name;
  std::string text;
};

// The kinds that configurations can name. Immutable.
class Catalogue {
 public:
  // The entries built into the binary.
  static absl::StatusOr<Catalogue> Builtin();
  // Entries written as YAML or JSON, one a text. An entry may extend another of the same call. The error names every
  // fault of every text.
  static absl::StatusOr<Catalogue> Parse(const std::vector<CatalogueText>& texts);

  // Null when there is no such kind. Valid as long as the catalogue.
  const CatalogueEntry* Find(std::string_view kind) const;
  std::vector<std::string> Kinds() const;  // sorted

 private:
  std::map<std::string, CatalogueEntry, std::less<>> entries_;
};

}  // namespace chain429
