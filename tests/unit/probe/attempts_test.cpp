#include "probe/attempts.h"

#include "tests/unit/probe/checks/check_test.h"

namespace parallax {
namespace {

// Somebody sets the wall clock back whenever it is looked at.
class ClockSetBack final : public Clock {
 public:
  Instant now() const override { return real_.now(); }
  WallTime wall() const override { return from_unix_us(1'790'000'000'000'000) - std::chrono::hours(++looks_); }

 private:
  SystemClock real_;
  mutable int looks_ = 0;
};

using AttemptsTest = CheckTest;

TEST_F(AttemptsTest, MeasuresARunByTheClockThatNobodySets) {
  const ClockSetBack set_back;
  Tools with_it{loop, set_back, guard, resolver, secrets, trust, http, icmp};
  proto::Check check;
  check.set_id("shop/health");
  check.set_timeout_ms(5000);
  check.set_ip("any");
  check.mutable_http()->set_url("http://127.0.0.1:1/");  // nobody is there
  check.mutable_http()->set_method("GET");
  check.mutable_http()->set_http_version("auto");
  const FinishedRun run = run_task(loop, run_attempts(check, with_it));
  EXPECT_EQ(reason(run.outcome), "connect_refused");
  EXPECT_GT(run.duration, Nanoseconds(0));
  EXPECT_LT(run.duration, std::chrono::seconds(5));
}

}  // namespace
}  // namespace parallax
