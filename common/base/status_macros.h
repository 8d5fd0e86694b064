#pragma once

#include "absl/status/status.h"
#include "absl/status/statusor.h"

// RETURN_IF_ERROR(expression): hands an error on. ASSIGN_OR_RETURN(auto x, expression): the value, or the error on.
#define RETURN_IF_ERROR(expression)                                         \
  do {                                                                      \
    if (absl::Status status_ = (expression); !status_.ok()) return status_; \
  } while (false)

#define CHAIN429_CONCAT_INNER_(a, b) a##b
#define CHAIN429_CONCAT_(a, b) CHAIN429_CONCAT_INNER_(a, b)
#define ASSIGN_OR_RETURN(declaration, expression) \
  CHAIN429_ASSIGN_OR_RETURN_(CHAIN429_CONCAT_(status_or_, __LINE__), declaration, expression)
// NOLINTBEGIN(bugprone-macro-parentheses): what is declared cannot stand in parentheses.
#define CHAIN429_ASSIGN_OR_RETURN_(result, declaration, expression) \
  auto result = (expression);                                       \
  if (!result.ok()) return std::move(result).status();              \
  declaration = *std::move(result)
// NOLINTEND(bugprone-macro-parentheses)
