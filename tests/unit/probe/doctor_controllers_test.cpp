#include "probe/doctor_controllers.h"

#include <gmock/gmock.h>

#include <boost/asio/ip/tcp.hpp>

#include "tests/unit/probe/loopback.h"

namespace parallax {
namespace {

using testing::HasSubstr;
using State = Finding::State;
using boost::asio::ip::tcp;

ControllerSeen refused() {
  return {"controller.example:7443",
          "controller.example",
          "7443",
          "192.0.2.7",
          Milliseconds(1),
          Failure{proto::REASON_CONNECT_REFUSED, "192.0.2.7:7443 refused the connection"}};
}

TEST(DoctorOfControllers, OneThatAnswersIsEnough) {
  EXPECT_EQ(controller_finding(refused(), false).state, State::trouble);
  EXPECT_EQ(controller_finding(refused(), true).state, State::warning);
  EXPECT_EQ(controller_finding(refused(), false).detail,
            "controller.example:7443: 192.0.2.7:7443 refused the connection");
  auto well = refused();
  well.failure.reset();
  EXPECT_EQ(controller_finding(well, true).state, State::ok);
  EXPECT_EQ(controller_finding(well, true).remedy, "");
}

TEST(DoctorOfControllers, TheRemedyFitsTheTrouble) {
  auto seen = refused();
  EXPECT_EQ(controller_finding(seen, false).remedy,
            "ssh controller.example systemctl restart parallax-controller");
  seen.failure->reason = proto::REASON_CONNECT_TIMEOUT;
  EXPECT_EQ(controller_finding(seen, false).remedy, "traceroute -T -p 7443 controller.example");
  seen.failure->reason = proto::REASON_PROBE_ISOLATED;
  EXPECT_EQ(controller_finding(seen, false).remedy, "ip route get 192.0.2.7");
  seen.address.clear();
  seen.failure->reason = proto::REASON_RESOLVE_NOT_FOUND;
  EXPECT_EQ(controller_finding(seen, false).remedy,
            "echo ${ADDRESS:?of the controller} controller.example >> /etc/hosts");
}

TEST(DoctorOfControllers, ConnectsToEachInTheOrderWritten) {
  Loop loop;
  const SystemClock clock;
  const tcp::endpoint anywhere(boost::asio::ip::make_address("127.0.0.1"), 0);
  const tcp::acceptor open(loop, anywhere);
  tcp::acceptor closed(loop, anywhere);
  const auto closed_port = closed.local_endpoint().port();
  closed.close();
  proto::ProbeSettings settings;
  settings.add_controllers("127.0.0.1:" + std::to_string(closed_port));
  settings.add_controllers("127.0.0.1:" + std::to_string(open.local_endpoint().port()));
  const auto findings = run_task(loop, look_at_controllers(settings, loop, clock));
  ASSERT_EQ(findings.size(), 2u);
  EXPECT_EQ(findings[0].state, State::warning) << findings[0].detail;
  EXPECT_THAT(findings[0].detail, HasSubstr("refused the connection"));
  EXPECT_EQ(findings[1].state, State::ok) << findings[1].detail;
}

}  // namespace
}  // namespace parallax
