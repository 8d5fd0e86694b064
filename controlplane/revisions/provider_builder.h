#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/config/config.h"
#include "common/model/snapshot.h"
#include "common/provider/catalogue.h"
#include "controlplane/revisions/credential_source.h"

namespace chain429 {

// A configured provider with what the catalogue knows of its kind: limits with their windows, credentials in their pool
// groups, models.
Provider BuildProvider(const ProviderConfig& config, const CatalogueEntry& entry,
                       const std::vector<ResolvedCredential>& credentials);

// Amounts as limits: windows as configured, else the catalogue's, else sliding.
std::vector<Limit> BuildLimits(const LimitAmounts& amounts, const ProviderConfig& config, const CatalogueEntry& entry);

// The catalogue's own limits for `model` (none of its own: empty), where the configuration does not say otherwise.
std::vector<Limit> CatalogueModelLimits(const ProviderConfig& config, const CatalogueEntry& entry,
                                        std::string_view model);

// The key of the pool that closes when a credential is refused, and that holds the credential's own limits.
std::string CredentialPoolKey(const Provider& provider, const Credential& credential);

}  // namespace chain429
