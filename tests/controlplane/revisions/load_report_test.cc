#include "controlplane/revisions/load_report.h"

#include <gtest/gtest.h>

#include "tests/support/captured_log.h"

namespace chain429 {
namespace {

LoadReport Report() {
  LoadReport report;
  report.file = "c.yaml";
  report.version = Version(7);
  return report;
}

size_t Count(const std::string& text, const std::string& word) {
  size_t count = 0;
  for (size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) ++count;
  return count;
}

TEST(LogLoad, ARefusalIsALineForEachErrorWithItsPlaceAndOneThatTheOldStays) {
  CapturedLog log;
  LoadReport report = Report();
  report.problems = {{Severity::kError, {3, 5}, "chains.c", "is wrong", ""},
                     {Severity::kWarning, {4, 1}, "", "is odd", ""},
                     {Severity::kError, {9, 2}, "chains.d", "is wrong too", "right"}};
  LogLoad(report, log.logger());
  const std::string text = log.Text();
  EXPECT_EQ(Count(text, "\n"), 4u) << text;
  EXPECT_NE(text.find("error test: c.yaml:3:5: error: chains.c: is wrong\n"), std::string::npos) << text;
  EXPECT_NE(text.find("warning test: c.yaml:4:1: warning: is odd\n"), std::string::npos) << text;
  EXPECT_NE(text.find("c.yaml:9:2: error: chains.d: is wrong too (did you mean "), std::string::npos) << text;
  EXPECT_NE(text.find("the one before stays"), std::string::npos) << text;
  EXPECT_NE(text.find("version=7"), std::string::npos) << text;
}

TEST(LogLoad, ANewConfigurationIsALineForEachChange) {
  CapturedLog log;
  LoadReport report = Report();
  report.accepted = report.changed = true;
  report.changes = {"added providers.groq", "changed chains.c.wait: 0s -> 5s"};
  LogLoad(report, log.logger());
  const std::string text = log.Text();
  EXPECT_EQ(Count(text, "\n"), 3u) << text;
  EXPECT_NE(text.find("added providers.groq"), std::string::npos) << text;
  EXPECT_NE(text.find("changed chains.c.wait: 0s -> 5s"), std::string::npos) << text;
  EXPECT_NE(text.find("configuration taken"), std::string::npos) << text;
  EXPECT_EQ(text.find("error"), std::string::npos) << text;
}

TEST(LogLoad, SaysWhyAConfigurationWasAppliedAndWhatAChangedFileReplaces) {
  CapturedLog log;
  LoadReport report = Report();
  report.accepted = report.changed = true;
  report.comment = "second account";
  LogLoad(report, log.logger());
  EXPECT_NE(log.Text().find("comment=\"second account\""), std::string::npos) << log.Text();
  EXPECT_EQ(log.Text().find("replaces"), std::string::npos) << log.Text();
  report.replaces_applied = true;
  LogLoad(report, log.logger());
  EXPECT_NE(log.Text().find("it replaces the configuration that was applied"), std::string::npos) << log.Text();
}

TEST(LogLoad, ARefusedFileWithNewSecretsSaysBoth) {
  CapturedLog log;
  LoadReport report = Report();
  report.changed = true;
  LogLoad(report, log.logger());
  EXPECT_NE(log.Text().find("the one before stays"), std::string::npos) << log.Text();
  EXPECT_NE(log.Text().find("changed secrets taken"), std::string::npos) << log.Text();
}

TEST(LogLoad, AnUnchangedOneSaysSo) {
  CapturedLog log;
  LoadReport report = Report();
  report.accepted = true;
  LogLoad(report, log.logger());
  EXPECT_NE(log.Text().find("configuration unchanged"), std::string::npos) << log.Text();
}

}  // namespace
}  // namespace chain429
