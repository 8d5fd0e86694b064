#pragma once

#include <string>

#include "absl/strings/str_cat.h"
#include "common/base/text.h"
#include "controlplane/quota/account.h"
#include "tests/dst/call.h"

// For messages.
namespace chain429::dst {

inline std::string Describe(const Call& call) {
  return absl::StrCat("call ", call.id, " with permit ", call.permit.value(), " use ", call.use);
}
inline std::string Describe(const PoolView& pool, const LimitView& view) {
  return absl::StrCat(pool.key, " ", view.limit.amount, " ", ToAbsl(UnitName(view.limit.unit)), " per ",
                      absl::FormatDuration(view.limit.window.length), ": used ", view.used, ", reserved ",
                      view.reserved, ", outside ", view.outside);
}

}  // namespace chain429::dst
