#include "controlplane/ctl/up/log_line.h"

#include <gtest/gtest.h>

namespace chain429 {
namespace {

TEST(LogLine, OfJsonTheMessageComesFirstThenTheFields) {
  const ShownLine line = ReadLogLine(
      R"({"time":"2026-11-24T12:00:00.123Z","level":"info","program":"p","message":"ready","port":42,"node":"a b"})");
  EXPECT_EQ(line.text, R"(ready port=42 node="a b")");
  EXPECT_EQ(line.weight, LineWeight::kPlain);
}

TEST(LogLine, OfTextTimeAndProgramGo) {
  EXPECT_EQ(ReadLogLine("2026-11-24T12:00:00.123Z info 429chain-proxy: listening on 127.0.0.1:4290").text,
            "listening on 127.0.0.1:4290");
  EXPECT_EQ(ReadLogLine("2026-11-24T12:00:00.123Z error control: c.yaml:3:1: error: x").text, "c.yaml:3:1: error: x");
}

TEST(LogLine, TheLevelIsTheWeight) {
  const std::pair<std::string, LineWeight> cases[] = {{"debug", LineWeight::kQuiet},
                                                      {"info", LineWeight::kPlain},
                                                      {"warning", LineWeight::kWarning},
                                                      {"error", LineWeight::kError},
                                                      {"strange", LineWeight::kPlain}};
  for (const auto& [level, weight] : cases) {
    EXPECT_EQ(ReadLogLine("{\"level\":\"" + level + "\",\"message\":\"m\"}").weight, weight) << level;
    EXPECT_EQ(ReadLogLine("2026-11-24T12:00:00.123Z " + level + " p: m").weight, weight) << level;
  }
}

TEST(LogLine, AnythingElseStaysAsItIs) {
  for (const std::string text : {"", "listening groq http://127.0.0.1:1", "ready", "{not json", "{\"level\":\"error\"}",
                                 "[1,2]", "{\"message\":5}", "2026-11-24T12:00:00.123Z", "2026-11-24T12:00:00.123Z ",
                                 "2026-11-24T12:00:00.123Z word", "2026-11-24T12:00:00.123Z a: b c"}) {
    const ShownLine line = ReadLogLine(text);
    EXPECT_EQ(line.weight, LineWeight::kPlain) << text;
    EXPECT_TRUE(text.ends_with(line.text)) << text;
  }
  EXPECT_EQ(ReadLogLine("{not json").text, "{not json");
}

TEST(LogLine, NothingCanDriveTheTerminal) {
  EXPECT_EQ(ReadLogLine("evil\x1b]0;title\x07").text, "evil ]0;title ");
  EXPECT_EQ(ReadLogLine("{\"message\":\"evil\\u001b[2J\\nline\"}").text, "evil [2J line");
  const ShownLine field = ReadLogLine("{\"message\":\"m\",\"x\":\"\\u001b[2J\"}");
  EXPECT_EQ(field.text.find('\x1b'), std::string::npos);
}

TEST(LogLine, TakesBytesThatAreNoUtf8) {
  EXPECT_EQ(ReadLogLine("plain \xff bytes").text, "plain \xff bytes");
  EXPECT_NE(ReadLogLine("{\"message\":\"bad \xff\"}").text.find("bad"), std::string::npos);
}

}  // namespace
}  // namespace chain429
