#pragma once

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>
#include "common/provider/auth_style.h"
#include "common/provider/error_body.h"
#include "common/provider/error_rules.h"
#include "common/provider/header_rules.h"

namespace chain429 {

// A catalogue entry's rules in the form in which answers are judged by them.
struct RuleSet {
  AuthStyle auth;
  HeaderRules headers;
  BodyShape body;
  std::vector<ErrorRule> errors;  // the first that holds decides
};

// Reads `auth`, `headers`, `body` and `errors` of an entry; other keys are not looked at. Faults are appended with
// their path.
RuleSet ReadRules(const nlohmann::json& entry, const std::string& path, std::vector<std::string>& faults);

}  // namespace chain429
