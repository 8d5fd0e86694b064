#include "dataplane/http/sse_scan.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/hostile_bytes.h"

namespace chain429 {
namespace {

struct Seen {
  std::string text;
  std::string data;
  std::string name;
  bool has_data = false;
  friend bool operator==(const Seen&, const Seen&) = default;
  friend void PrintTo(const Seen& seen, std::ostream* out) {
    *out << "{" << testing::PrintToString(seen.text) << " data " << testing::PrintToString(seen.data) << " name "
         << seen.name << "}";
  }
};

Seen Take(std::string_view payload, const SseScan::Event& event) {
  Seen seen;
  seen.text = payload.substr(event.begin, event.end - event.begin);
  seen.name = event.name;
  seen.has_data = event.has_data;
  if (event.multi_line) {
    JoinData(seen.text, seen.data);
  } else {
    seen.data = event.data;
  }
  return seen;
}

// Reads pieces as they come in. `keep`: how many bytes before the event under way stay in the buffer.
std::vector<Seen> Read(const std::vector<std::string_view>& pieces, bool drop_what_was_read) {
  SseScan scan;
  std::string buffer;
  std::vector<Seen> seen;
  for (const std::string_view piece : pieces) {
    buffer.append(piece);
    const ExactBytes bytes(buffer);
    SseScan::Event event;
    while (scan.Next(bytes.view(), event)) seen.push_back(Take(bytes.view(), event));
    if (drop_what_was_read) {
      const size_t judged = scan.begin();
      buffer.erase(0, judged);
      scan.Rebase(judged);
      EXPECT_EQ(scan.begin(), 0u);
    }
  }
  return seen;
}

// In one piece, in two at every place and byte by byte, with and without dropping what was read.
std::vector<Seen> Everyway(std::string_view bytes) {
  std::vector<Seen> whole = Read({bytes}, false);
  std::vector<std::string_view> each;
  for (size_t i = 0; i < bytes.size(); ++i) each.push_back(bytes.substr(i, 1));
  for (const bool drop : {false, true}) {
    for (size_t at = 0; at <= bytes.size(); ++at) {
      EXPECT_EQ(Read({bytes.substr(0, at), bytes.substr(at)}, drop), whole) << "split at " << at;
    }
    EXPECT_EQ(Read(each, drop), whole) << "byte by byte";
  }
  return whole;
}

std::vector<std::string> DataOf(const std::vector<Seen>& events) {
  std::vector<std::string> data;
  for (const Seen& event : events) {
    if (event.has_data) data.push_back(event.data);
  }
  return data;
}
using Datas = std::vector<std::string>;

TEST(SseScan, EventsEndWithABlankLine) {
  EXPECT_EQ(Everyway("data: a\n\ndata: b\n\ndata: c\n"),
            (std::vector<Seen>{{"data: a\n\n", "a", "", true}, {"data: b\n\n", "b", "", true}}));
}

TEST(SseScan, LinesEndInLfCrlfOrCr) {
  const std::string_view ends[] = {"\n", "\r\n", "\r"};
  for (const std::string_view a : ends) {
    for (const std::string_view b : ends) {
      for (const std::string_view c : ends) {
        // CR before LF would be one end, not two.
        if (a == "\r" && b == "\n") continue;
        const std::string bytes =
            std::string("data: a").append(a).append(b).append("data:b").append(c).append(c == "\n" ? "\n" : "\r\n") +
            "data: x";
        if (c == "\r") continue;
        EXPECT_EQ(DataOf(Everyway(bytes)), (Datas{"a", "b"})) << testing::PrintToString(bytes);
      }
    }
  }
  EXPECT_EQ(DataOf(Everyway("data: a\r\rdata: b\r\r:")), (Datas{"a", "b"}));
}

TEST(SseScan, ACrAtTheEndMayBeHalfOfACrlf) {
  SseScan scan;
  SseScan::Event event;
  EXPECT_FALSE(scan.Next("data: a\r\n\r", event));
  ASSERT_TRUE(scan.Next("data: a\r\n\r\n", event));
  EXPECT_EQ(event.end, 11u) << "the LF belongs to the event";
}

TEST(SseScan, OneBlankBehindTheColonIsNotPartOfTheValue) {
  EXPECT_EQ(DataOf(Everyway("data:a\n\ndata: a\n\ndata:  a\n\ndata:\ta\n\ndata: a \n\n")),
            (Datas{"a", "a", " a", "\ta", "a "}));
}

TEST(SseScan, DataMayBeEmpty) { EXPECT_EQ(DataOf(Everyway("data:\n\ndata: \n\ndata\n\n")), (Datas{"", "", ""})); }

TEST(SseScan, SeveralDataLinesAreJoinedWithLf) {
  const std::vector<Seen> events = Everyway("data: {\"a\":\ndata:  1}\n\ndata\ndata: b\ndata\n\ndata: c\n\n");
  EXPECT_EQ(DataOf(events), (Datas{"{\"a\":\n 1}", "\nb\n", "c"}));
  EXPECT_EQ(DataOf(Everyway("data: a\r\nid: 3\r\n: c\r\ndata: b\r\n\r\n")), (Datas{"a\nb"}));
  EXPECT_EQ(DataOf(Everyway("data: a\rdata: b\r\rdata: c\r\n\r\n")), (Datas{"a\nb", "c"}));
}

TEST(SseScan, CommentsAndOtherFieldsAreNoData) {
  const std::vector<Seen> events =
      Everyway(": ping\n\n:\n\nid: 7\nretry: 10\n\n: x\nid: 1\ndata: a\nunknown: y\nwithout colon\n\n");
  ASSERT_EQ(events.size(), 4u);
  EXPECT_FALSE(events[0].has_data || events[1].has_data || events[2].has_data);
  EXPECT_EQ(events[0].text, ": ping\n\n");
  EXPECT_EQ(events[3].data, "a");
  EXPECT_EQ(events[3].text, ": x\nid: 1\ndata: a\nunknown: y\nwithout colon\n\n") << "shown as it came";
}

TEST(SseScan, NamesAreThoseOfTheEvent) {
  const std::vector<Seen> events = Everyway(
      "event: error\ndata: a\n\ndata: b\n\nevent:x\nevent: y\ndata: c\n\nevent:\ndata: d\n\nevent: z\n\ndata: e\n\n");
  std::vector<std::string> names;
  for (const Seen& event : events) names.push_back(event.name);
  EXPECT_EQ(names, (std::vector<std::string>{"error", "", "y", "", "z", ""}));
  EXPECT_FALSE(events[4].has_data);
}

TEST(SseScan, FieldNamesAreExact) {
  EXPECT_EQ(DataOf(Everyway("Data: a\n\ndata : a\n\n data: a\n\ndatas: a\n\ndat: a\n\n\xEF\xBB\xBF"
                            "data: a\n\ndata: b\n\n")),
            (Datas{"b"}));
}

TEST(SseScan, AByteOrderMarkAtTheStartBelongsToNoEvent) {
  EXPECT_EQ(Everyway("\xEF\xBB\xBF"
                     "data: a\n\ndata: b\n\n"),
            (std::vector<Seen>{{"data: a\n\n", "a", "", true}, {"data: b\n\n", "b", "", true}}));
  EXPECT_EQ(DataOf(Everyway("\xEF\xBB\xBF\r\ndata: a\r\n\r\n")), (Datas{"a"}));
  EXPECT_EQ(DataOf(Everyway("\xEF\xBB"
                            "data: a\n\ndata: b\n\n")),
            (Datas{"b"}))
      << "half a mark is another field";
}

TEST(SseScan, BlankLinesBetweenEventsAreEventsWithoutData) {
  const std::vector<Seen> events = Everyway("\n\ndata: a\n\n\n");
  ASSERT_EQ(events.size(), 4u);
  EXPECT_EQ(DataOf(events), (Datas{"a"}));
  std::string all;
  for (const Seen& event : events) all += event.text;
  EXPECT_EQ(all, "\n\ndata: a\n\n\n") << "every byte belongs to one event";
}

TEST(SseScan, HalfAnEventIsNoEvent) {
  for (const std::string_view bytes :
       {"data: [DONE]", "data: [DONE]\n", "data: [DONE]\r\n", "data: [DONE]\r\n\r", ""}) {
    EXPECT_TRUE(Everyway(bytes).empty()) << bytes;
  }
}

TEST(SseScan, RebaseFollowsBytesThatWereMoved) {
  SseScan scan;
  SseScan::Event event;
  std::string payload = "data: held\n\n: ping\n\ndata: ha";
  ASSERT_TRUE(scan.Next(payload, event));
  ASSERT_TRUE(scan.Next(payload, event));
  ASSERT_FALSE(scan.Next(payload, event));
  // The comment is cut out behind what is held.
  payload.erase(12, 8);
  scan.Rebase(8);
  payload += "lf\n\n";
  ASSERT_TRUE(scan.Next(payload, event));
  EXPECT_EQ(event.begin, 12u);
  EXPECT_EQ(event.data, "half");
}

TEST(SseScan, ALongEventInManyPiecesIsScannedOnce) {
  // Quadratic work over eight megabytes would not end within the test's time.
  const std::string part(4096, 'x');
  std::string payload = "data: ";
  SseScan scan;
  SseScan::Event event;
  while (payload.size() < (size_t{8} << 20)) {
    payload += part;
    ASSERT_FALSE(scan.Next(payload, event));
  }
  payload += "\n\n";
  ASSERT_TRUE(scan.Next(payload, event));
  EXPECT_EQ(event.data.size(), payload.size() - 8);
}

TEST(SseScan, ManyLinesThatEndInCrAreScannedOnce) {
  std::string payload;
  while (payload.size() < (size_t{4} << 20)) payload += "a\r\r";
  SseScan scan;
  SseScan::Event event;
  size_t events = 0;
  while (scan.Next(payload, event)) ++events;
  EXPECT_EQ(events, payload.size() / 3 - 1);
}

TEST(SseScan, MutatedStreamsAreReadTheSameInAnyPieces) {
  constexpr std::string_view kPieces[] = {"\n", "\r",         "\r\n",         "\n\n", "data:", "data: x\n\n",
                                          ":",  "event: e\n", "\xEF\xBB\xBF", "\0",   " "};
  Random random(9);
  for (int i = 0; i < 3000; ++i) {
    const std::string bytes = Mutate(
        "\xEF\xBB\xBF: hi\n\ndata: a\r\ndata: b\r\n\r\nevent: e\ndata: {\"x\":1}\n\nid: 1\rdata: y\r\rdata: [DONE]\n\n",
        kPieces, random);
    std::vector<std::string_view> each;
    for (size_t at = 0; at < bytes.size(); ++at) each.push_back(std::string_view(bytes).substr(at, 1));
    const std::vector<Seen> whole = Read({bytes}, false);
    ASSERT_EQ(Read(each, true), whole) << testing::PrintToString(bytes);
    ASSERT_EQ(Read(each, false), whole) << testing::PrintToString(bytes);
    size_t covered = 0;
    for (const Seen& event : whole) covered += event.text.size();
    ASSERT_LE(covered, bytes.size());
  }
}

TEST(JoinData, TakesOnlyDataLines) {
  std::string out = "old";
  JoinData(": c\ndata: a\nid: 1\ndata:b\r\ndata\rdata: c", out);
  EXPECT_EQ(out, "a\nb\n\nc");
  JoinData("", out);
  EXPECT_EQ(out, "");
}

}  // namespace
}  // namespace chain429
