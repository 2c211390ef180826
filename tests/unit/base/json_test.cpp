#include "base/json.h"

#include <gtest/gtest.h>

#include <limits>

namespace parallax {
namespace {

TEST(Json, NestsObjectsAndLists) {
  JsonWriter json;
  json.open_object()
      .member("a", 1)
      .key("b")
      .open_array()
      .value("x")
      .value(true)
      .null()
      .open_object()
      .close_object();
  json.close_array().member("c", -2.5).close_object();
  EXPECT_EQ(json.take(), R"({"a": 1, "b": ["x", true, null, {}], "c": -2.5})");
}

TEST(Json, WritesNumbersThatReadBackTheSame) {
  JsonWriter json;
  json.open_array().value(0.1).value(1e300).value(std::uint64_t{18446744073709551615U});
  json.value(std::numeric_limits<std::int64_t>::min()).close_array();
  EXPECT_EQ(json.take(), "[0.1, 1e+300, 18446744073709551615, -9223372036854775808]");
}

TEST(Json, WritesNullForNumbersItDoesNotHaveAndForNone) {
  JsonWriter json;
  json.open_array().value(std::numeric_limits<double>::quiet_NaN()).value(std::numeric_limits<double>::infinity());
  json.value(std::optional<bool>()).value(std::optional<bool>(false)).close_array();
  EXPECT_EQ(json.take(), "[null, null, null, false]");
}

TEST(Json, EscapesWhatATargetMaySend) {
  JsonWriter json;
  json.value(std::string("\" \\ \n \t \r \x01 \x7f") + std::string(1, '\0') + "\xff end");
  EXPECT_EQ(json.take(), R"("\" \\ \n \t \u000d \u0001 \u007f\u0000)"
                         "\xef\xbf\xbd end\"");
}

TEST(Json, StartsAnewAfterTake) {
  JsonWriter json;
  json.value(1);
  EXPECT_EQ(json.take(), "1");
  json.value(2);
  EXPECT_EQ(json.take(), "2");
}

}  // namespace
}  // namespace parallax
