#include "base/notation.h"

#include <gtest/gtest.h>

namespace parallax {
namespace {

TEST(Duration, IsAnIntegerAndAUnit) {
  EXPECT_EQ(parse_duration_ms("250ms"), 250);
  EXPECT_EQ(parse_duration_ms("60s"), 60'000);
  EXPECT_EQ(parse_duration_ms("1m"), 60'000);
  EXPECT_EQ(parse_duration_ms("2h"), 7'200'000);
  EXPECT_EQ(parse_duration_ms("14d"), 14LL * 86'400'000);
  EXPECT_EQ(parse_duration_ms("0s"), 0);
}

TEST(Duration, IsNothingElse) {
  for (const char* text : {"", "s", "15", "15 s", " 15s", "15s ", "1.5s", "-1s", "+1s", "1m30s", "15S", "15sec",
                           "0x1s", "106751991168d", "99999999999999999999s"})
    EXPECT_EQ(parse_duration_ms(text), std::nullopt) << text;
}

TEST(Duration, GoesToTheLastMillisecondOfTheRange) {
  EXPECT_EQ(parse_duration_ms("9223372036854775807ms"), 9223372036854775807);
  EXPECT_EQ(parse_duration_ms("9223372036854775808ms"), std::nullopt);
  EXPECT_EQ(parse_duration_ms("106751991167d"), 106751991167 * 86'400'000);
}

TEST(Duration, IsToldInTheLargestUnitThatIsExact) {
  EXPECT_EQ(duration_text(1500), "1500ms");
  EXPECT_EQ(duration_text(90'000), "90s");
  EXPECT_EQ(duration_text(3'600'000), "1h");
  EXPECT_EQ(duration_text(0), "0ms");
}

TEST(Size, IsBytesOrHasABinaryUnit) {
  EXPECT_EQ(parse_size("4096"), 4096);
  EXPECT_EQ(parse_size("128B"), 128);
  EXPECT_EQ(parse_size("64KiB"), 65536);
  EXPECT_EQ(parse_size("1MiB"), 1 << 20);
  EXPECT_EQ(parse_size("2GiB"), 2LL << 30);
  for (const char* text : {"", "KiB", "1KB", "1kib", "1 KiB", "-1", "1.5MiB", "9223372036854775807KiB"})
    EXPECT_EQ(parse_size(text), std::nullopt) << text;
}

}  // namespace
}  // namespace parallax
