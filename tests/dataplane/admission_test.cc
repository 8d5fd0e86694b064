#include "dataplane/admission.h"

#include <algorithm>
#include <vector>

#include "gtest/gtest.h"

namespace chain429 {
namespace {

TEST(Admission, KeepsAConnectionWhereItCameWhileNobodyHasFewer) {
  Admission admission(4, 100);
  for (size_t worker = 0; worker < 4; ++worker) EXPECT_EQ(admission.Admit(worker), worker);
}

TEST(Admission, SpreadsFewConnectionsEvenlyEvenIfAllComeToOneWorker) {
  Admission admission(4, 100);
  std::vector<int> open(4);
  for (int i = 0; i < 8; ++i) ++open[*admission.Admit(2)];
  EXPECT_EQ(open, std::vector<int>({2, 2, 2, 2}));
}

TEST(Admission, AmongManyASmallDifferenceIsLeftAlone) {
  Admission admission(2, 10'000);
  for (int i = 0; i < 800; ++i) EXPECT_EQ(admission.Admit(static_cast<size_t>(i % 2)), static_cast<size_t>(i % 2));
  for (int i = 0; i < 50; ++i) EXPECT_EQ(admission.Admit(0), 0u) << i;
  int handed_on = 0;
  for (int i = 0; i < 50; ++i) handed_on += admission.Admit(0) == 1u ? 1 : 0;
  EXPECT_GT(handed_on, 20) << "beyond it every other one goes, so that the difference grows no more";
}

TEST(Admission, RefusesWhatIsBeyondTheLimitAndTakesItAgainOnceSomebodyHasLeft) {
  Admission admission(3, 5);
  std::vector<size_t> where;
  for (int i = 0; i < 5; ++i) where.push_back(*admission.Admit(0));
  EXPECT_EQ(admission.Admit(1), std::nullopt);
  EXPECT_EQ(admission.Admit(2), std::nullopt) << "a refused one is not counted";
  admission.Leave(where[3]);
  EXPECT_EQ(admission.Admit(1), where[3]) << "where there is most room";
  EXPECT_EQ(admission.Admit(1), std::nullopt);
}

TEST(Admission, TheLimitOfFilesLeavesRoomForProviders) {
  for (const size_t files : {size_t{256}, size_t{1024}, size_t{20'000}, size_t{1'048'576}}) {
    const size_t connections = Admission::Within(files);
    EXPECT_LT(connections, files - files / 5);
    EXPECT_LE(Admission::FilesFor(connections), files);
    EXPECT_GT(Admission::FilesFor(connections + 2), files) << "no more than needed is asked for";
  }
  EXPECT_GE(Admission::Within(20'000), 10'000u);
}

}  // namespace
}  // namespace chain429
