#include "base/utf8.h"

#include <gtest/gtest.h>

namespace parallax {
namespace {

const std::string kReplaced = "\xef\xbf\xbd";

std::string valid(std::string_view bytes) {
  std::string out;
  append_utf8(out, bytes);
  return out;
}

TEST(Utf8, LeavesWellFormedTextAlone) {
  for (const char* text : {"", "plain", "gr\xc3\xbc\xc3\x9f", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xed\x9f\xbf"})
    EXPECT_EQ(valid(text), text);
}

TEST(Utf8, TellsWellFormedTextFromOther) {
  for (const std::string bad :
       {"\xff", "\x80", "\xe2\x82", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xc3"})
    for (std::size_t before = 0; before < 20; ++before)
      for (const std::size_t after : {0, 1, 9}) {
        EXPECT_FALSE(is_utf8(std::string(before, 'x') + bad + std::string(after, 'x'))) << before << after;
        EXPECT_TRUE(is_utf8(std::string(before, 'x') + "\xe2\x82\xac" + std::string(after, 'x')))
            << before << after;
      }
  EXPECT_TRUE(is_utf8(""));
  EXPECT_TRUE(is_utf8(std::string_view("a\0b", 3)));
}

TEST(Utf8, ReplacesEachByteThatBelongsToNoCharacter) {
  EXPECT_EQ(valid("a\xff"
                  "b"),
            "a" + kReplaced + "b");
  EXPECT_EQ(valid("\x80"), kReplaced);
  EXPECT_EQ(valid("\xe2\x82"), kReplaced + kReplaced);  // cut short
  EXPECT_EQ(valid("\xc0\xaf"), kReplaced + kReplaced);  // overlong
  EXPECT_EQ(valid("\xe0\x80\xaf"), kReplaced + kReplaced + kReplaced);
  EXPECT_EQ(valid("\xed\xa0\x80"), kReplaced + kReplaced + kReplaced);                  // a surrogate
  EXPECT_EQ(valid("\xf4\x90\x80\x80"), kReplaced + kReplaced + kReplaced + kReplaced);  // beyond U+10FFFF
}

TEST(Utf8, CutsBetweenCharacters) {
  EXPECT_EQ(cut_utf8("abc", 5), "abc");
  EXPECT_EQ(cut_utf8("abc", 2), "ab");
  EXPECT_EQ(cut_utf8("a\xe2\x82\xac", 4), "a\xe2\x82\xac");
  EXPECT_EQ(cut_utf8("a\xe2\x82\xac", 3), "a");
  EXPECT_EQ(cut_utf8("a\xe2\x82\xac", 2), "a");
}

}  // namespace
}  // namespace parallax
