#include "controlplane/ctl/terminal.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

namespace chain429 {
namespace {

TEST(Paint, LeavesTextAsItIsWhereColoursAreNotWanted) {
  EXPECT_EQ(Paint("text", Colour::kRed, false), "text");
  EXPECT_EQ(Paint("text", Colour::kNone, true), "text");
  EXPECT_EQ(Paint("text", Colour::kRed, true), "\x1b[31mtext\x1b[0m");
}

TEST(WantsColour, NeverForWhatIsNoTerminal) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  EXPECT_FALSE(WantsColour(ends[1]));
  EXPECT_FALSE(WantsColour(-1));
  close(ends[0]);
  close(ends[1]);
}

TEST(Table, AlignsItsColumnsByCharactersNotBytes) {
  Table table({"A", "LONGER", "C"});
  table.Add({"ünï", "x", "1"});
  table.Add({"plain", "…", "22"});
  EXPECT_EQ(table.Render(false),
            "A      LONGER  C\n"
            "ünï    x       1\n"
            "plain  …       22\n");
}

TEST(Table, PaintsRowsOnlyWhereColoursAreWanted) {
  Table table({"A"});
  table.Add({"bad"}, Colour::kRed);
  EXPECT_EQ(table.Render(true), "\x1b[1mA\x1b[0m\n\x1b[31mbad\x1b[0m\n");
  EXPECT_EQ(table.Render(false), "A\nbad\n");
}

TEST(Table, ACellCannotDriveTheTerminal) {
  Table table({"A", "B"});
  table.Add({"a\x1b[2Jb", "two\nlines\r"});
  EXPECT_EQ(table.Render(false), "A       B\na [2Jb  two lines \n");
}

TEST(Printable, MakesEveryControlCharacterABlank) {
  EXPECT_EQ(Printable("a\x1b[31mb\x07\x7f\tc\n"), "a [31mb   c ");
  EXPECT_EQ(Printable(std::string_view("a\0b", 3)), "a b");
  // C1 controls as UTF-8: CSI, and the last of them. The no-break space behind is none.
  EXPECT_EQ(Printable("a\xc2\x9b"
                      "31m\xc2\x9f"),
            "a 31m ");
  EXPECT_EQ(Printable("a\xc2\xa0"
                      "b"),
            "a\xc2\xa0"
            "b");
  EXPECT_EQ(Printable("ünï … 日本"), "ünï … 日本");
  EXPECT_EQ(Printable("cut\xc2"), "cut\xc2");
}

}  // namespace
}  // namespace chain429
