#include "probe/doctor_text.h"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <sstream>

namespace parallax {
namespace {

using State = Finding::State;

const std::vector<Finding> kFindings = {
    {"icmp-ipv4", State::ok, "datagram socket", ""},
    {"icmp-ipv6", State::trouble,
     "no ping can be sent: net.ipv4.ping_group_range is \"1 0\", which takes in no group of this process",
     "sysctl -w net.ipv4.ping_group_range=\"0 2147483647\"   # a command that is longer than the screen is wide"},
    {"certificate", State::warning, "signed by CN=\x1b[2Jevil", "timedatectl"}};

TEST(DoctorTable, IsAlignedWithin80ColumnsAndKeepsCommandsWhole) {
  EXPECT_EQ(
      doctor_table(kFindings, TableStyle()),
      "STATE    CHECK        FOUND\n"
      "ok       icmp-ipv4    datagram socket\n"
      "trouble  icmp-ipv6    no ping can be sent: net.ipv4.ping_group_range is \"1 0\",\n"
      "                      which takes in no group of this process\n"
      "         mend:        sysctl -w net.ipv4.ping_group_range=\"0 2147483647\"   # a command that is longer "
      "than the screen is wide\n"
      "warning  certificate  signed by CN=?[2Jevil\n"
      "         mend:        timedatectl\n"
      "\n"
      "3 checks: 1 ok, 1 warning, 1 trouble\n");
}

TEST(DoctorTable, HasColoursOnlyWhereTheStyleHas) {
  EXPECT_EQ(doctor_table(kFindings, TableStyle()).find('\x1b'), std::string::npos);
  TableStyle style;
  style.colors = true;
  EXPECT_NE(doctor_table(kFindings, style).find("\x1b[31mtrouble"), std::string::npos);
}

TEST(DoctorJson, HasNoRemedyWhereNothingIsWrong) {
  const auto checks = boost::json::parse(doctor_json(kFindings)).at("checks").as_array();
  ASSERT_EQ(checks.size(), 3u);
  EXPECT_TRUE(checks[0].at("remedy").is_null());
  EXPECT_EQ(checks[1].at("name").as_string(), "icmp-ipv6");
  EXPECT_EQ(checks[1].at("state").as_string(), "trouble");
  EXPECT_EQ(checks[1].at("detail").as_string(), kFindings[1].detail);
  EXPECT_EQ(checks[1].at("remedy").as_string(), kFindings[1].remedy);
}

}  // namespace
}  // namespace parallax
