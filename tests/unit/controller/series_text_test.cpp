#include "controller/series_text.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace parallax {
namespace {

std::string number(double value) {
  char text[kLongestNumber];
  return {text, write_number(text, value)};
}

std::string number(std::uint64_t value) {
  char text[kLongestNumber];
  return {text, write_number(text, value)};
}

TEST(SeriesText, EscapesBackslashQuoteAndLineFeedInLabels) {
  EXPECT_EQ(label("l", "a\\b\"c\nd"), R"(l="a\\b\"c\nd")");
  EXPECT_EQ(label("l", ""), R"(l="")");
  EXPECT_EQ(label("l", "CN=Gr\xc3\xbc\xc3\x9f, O=\xff"), "l=\"CN=Gr\xc3\xbc\xc3\x9f, O=\xef\xbf\xbd\"");
}

TEST(SeriesText, CutsALabelAt512BytesBetweenCharacters) {
  EXPECT_EQ(label("l", std::string(513, 'x')), "l=\"" + std::string(512, 'x') + "\"");
  EXPECT_EQ(label("l", std::string(511, 'x') + "\xc3\xbc"), "l=\"" + std::string(511, 'x') + "\"");
  EXPECT_EQ(label("l", std::string(600, '"')).size(), std::string("l=\"\"").size() + 1024);
}

TEST(SeriesText, PutsCommasBetweenLabels) {
  std::string text;
  append_label(text, "a", "1");
  append_label(text, "b", "2");
  EXPECT_EQ(text, R"(a="1",b="2")");
}

TEST(SeriesText, WritesNumbersThatReadBackTheSame) {
  EXPECT_EQ(number(std::uint64_t{0}), "0");
  EXPECT_EQ(number(std::uint64_t{10}), "10");
  EXPECT_EQ(number(std::numeric_limits<std::uint64_t>::max()), "18446744073709551615");
  EXPECT_EQ(number(0.0), "0");
  EXPECT_EQ(number(-0.0), "0");
  EXPECT_EQ(number(-1.0), "-1");
  EXPECT_EQ(number(1e6), "1000000");
  EXPECT_EQ(number(1774778400.0), "1774778400");
  EXPECT_EQ(number(0.1), "0.1");
  EXPECT_EQ(number(1e300), "1e+300");
  EXPECT_EQ(number(std::numeric_limits<double>::infinity()), "+Inf");
  EXPECT_EQ(number(-std::numeric_limits<double>::infinity()), "-Inf");
  EXPECT_EQ(number(std::nan("")), "NaN");
  for (const double value : {1.0 / 3, 1769853600.123456, 1e-300, 9007199254740994.0})
    EXPECT_EQ(std::stod(number(value)), value);
}

TEST(SeriesText, WritesBoundsCanonically) {
  const double bounds[] = {0.0001, 0.005, 1, 2.5, 10};
  EXPECT_EQ(bucket_labels(bounds), (std::vector<std::string>{R"(le="0.0001")", R"(le="0.005")", R"(le="1.0")",
                                                             R"(le="2.5")", R"(le="10.0")", R"(le="+Inf")"}));
}

}  // namespace
}  // namespace parallax
