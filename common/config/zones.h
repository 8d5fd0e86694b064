#pragma once

#include <functional>
#include <string_view>

namespace chain429 {

enum class ZoneAnswer { kKnown, kUnknown, kNoData };

// Whether a time zone can be used on this machine. Passed in, for it depends on what is installed.
using ZoneLookup = std::function<ZoneAnswer(std::string_view zone)>;

// Asks the time zone data that fixed windows will use. kNoData: the machine has none at all.
ZoneAnswer LookUpZone(std::string_view zone);

}  // namespace chain429
