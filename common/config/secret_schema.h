#pragma once

#include <optional>

#include "common/config/config.h"
#include "common/config/fields.h"

namespace chain429 {

// The one of env, file, stored, proxy_env and proxy_file that `fields` has. None or two are errors, and so is what is
// not built yet. `by_proxy`: the last two are allowed. None of its messages repeats a value.
std::optional<SecretSource> ReadSecretSource(ConfigFields& fields, bool by_proxy);

}  // namespace chain429
