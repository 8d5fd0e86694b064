#include "common/base/status_macros.h"

#include <memory>
#include <string>

#include "gtest/gtest.h"

namespace chain429 {
namespace {

absl::StatusOr<std::unique_ptr<int>> Made(bool well) {
  if (!well) return absl::NotFoundError("nothing there");
  return std::make_unique<int>(7);
}

absl::Status Checked(const absl::Status& status, int& evaluations) {
  RETURN_IF_ERROR((++evaluations, status));
  return absl::AlreadyExistsError("went on");
}

absl::StatusOr<int> SumOfTwo(bool first, bool second) {
  ASSIGN_OR_RETURN(std::unique_ptr<int> a, Made(first));
  ASSIGN_OR_RETURN(const std::unique_ptr<int> b, Made(second));
  return *a + *b;
}

absl::StatusOr<std::string> Assigned(bool well) {
  std::unique_ptr<int> known;
  ASSIGN_OR_RETURN(known, Made(well));
  return std::to_string(*known);
}

TEST(StatusMacros, AnErrorGoesOnAsItIsAndOkGoesThrough) {
  int evaluations = 0;
  EXPECT_EQ(Checked(absl::DataLossError("gone"), evaluations), absl::DataLossError("gone"));
  EXPECT_EQ(Checked(absl::OkStatus(), evaluations), absl::AlreadyExistsError("went on"));
  EXPECT_EQ(evaluations, 2);
}

TEST(StatusMacros, AValueIsMovedOutAndAnErrorReturned) {
  EXPECT_EQ(SumOfTwo(true, true).value(), 14);
  EXPECT_EQ(SumOfTwo(false, true).status(), absl::NotFoundError("nothing there"));
  EXPECT_EQ(SumOfTwo(true, false).status(), absl::NotFoundError("nothing there"));
  EXPECT_EQ(Assigned(true).value(), "7");
  EXPECT_EQ(Assigned(false).status(), absl::NotFoundError("nothing there"));
}

}  // namespace
}  // namespace chain429
