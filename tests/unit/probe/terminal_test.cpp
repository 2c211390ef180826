#include "probe/terminal.h"

#include <gtest/gtest.h>

namespace parallax {
namespace {

TEST(Wrapped, BreaksAtSpacesAndIndentsWhatFollows) {
  EXPECT_EQ(wrapped("one two three four", 2, 0, 9), "one two\n  three\n  four");
  EXPECT_EQ(wrapped("fits", 2, 0, 4), "fits");
  EXPECT_EQ(wrapped("", 2, 0, 4), "");
}

TEST(Wrapped, CountsWhatIsTakenOfTheFirstLine) { EXPECT_EQ(wrapped("one two", 4, 4, 10), "one\n    two"); }

TEST(Wrapped, KeepsALongWordWholeAndColumnsApart) {
  EXPECT_EQ(wrapped("a /very/long/path b", 1, 0, 6), "a\n /very/long/path\n b");
  EXPECT_EQ(wrapped("192.0.2.1   up", 0, 0, 20), "192.0.2.1   up");
}

TEST(Wrapped, CountsCharactersAndNotBytes) {
  EXPECT_EQ(width_of("Grüße ▒"), 7u);
  EXPECT_EQ(wrapped("äöü äöü", 0, 0, 7), "äöü äöü");
}

TEST(Printable, LeavesNoControlCharacter) {
  EXPECT_EQ(printable("a\x1b[2J\x7f\n\xc2\x9b"), "a?[2J???");
  EXPECT_EQ(printable("Grüße \xff"), "Grüße \xef\xbf\xbd");
}

}  // namespace
}  // namespace parallax
