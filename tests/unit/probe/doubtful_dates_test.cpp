#include "probe/doubtful_dates.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace parallax {
namespace {

using std::chrono::hours;
using std::chrono::seconds;
using ::testing::HasSubstr;

constexpr std::int64_t kDay = 86'400;
constexpr std::int64_t kStarted = 20'000 * kDay;  // by this host's clock
constexpr hours kDays(24);

// A run that failed for `reason` with a leaf of these dates, in days from this host's now.
proto::RunResult failed(proto::Reason reason, std::int64_t from, std::int64_t until) {
  proto::RunResult result;
  result.set_state(proto::STATE_DOWN);
  result.set_reason(reason);
  result.set_detail("the certificate of shop.example expired");
  result.set_started_us(kStarted * 1'000'000);
  auto& certificate = *result.mutable_facts()->mutable_tls()->add_certificates();
  certificate.set_not_before(static_cast<double>(kStarted + from * kDay));
  certificate.set_not_after(static_cast<double>(kStarted + until * kDay));
  return result;
}

proto::State state_with(proto::RunResult result, std::optional<Nanoseconds> ahead) {
  doubt_dates(result, ahead);
  return result.state();
}

TEST(DoubtfulDates, AWrongClockIsNotTheTargetsDowntime) {
  EXPECT_EQ(state_with(failed(proto::REASON_TLS_EXPIRED, -300, -10), 30 * kDays), proto::STATE_UNKNOWN);
  EXPECT_EQ(state_with(failed(proto::REASON_TLS_NOT_YET_VALID, 10, 300), -30 * kDays), proto::STATE_UNKNOWN);
  EXPECT_EQ(state_with(failed(proto::REASON_EXPIRES_SOON, -300, 10), 30 * kDays), proto::STATE_UNKNOWN);
}

TEST(DoubtfulDates, WhatBothClocksSayIsTrue) {
  EXPECT_EQ(state_with(failed(proto::REASON_TLS_EXPIRED, -300, -40), 30 * kDays), proto::STATE_DOWN);
  EXPECT_EQ(state_with(failed(proto::REASON_TLS_EXPIRED, -300, -10), -30 * kDays), proto::STATE_DOWN);
  EXPECT_EQ(state_with(failed(proto::REASON_TLS_NOT_YET_VALID, 40, 300), -30 * kDays), proto::STATE_DOWN);
}

TEST(DoubtfulDates, ClocksThatAreRightAndReasonsThatAreNotAboutDatesStand) {
  EXPECT_EQ(state_with(failed(proto::REASON_TLS_EXPIRED, -300, 0), seconds(30)), proto::STATE_DOWN);
  EXPECT_EQ(state_with(failed(proto::REASON_EXPIRES_SOON, -300, 10), seconds(600)), proto::STATE_DOWN);
  EXPECT_EQ(state_with(failed(proto::REASON_TLS_NAME_MISMATCH, -300, -10), 30 * kDays), proto::STATE_DOWN);
  EXPECT_EQ(state_with(failed(proto::REASON_TLS_EXPIRED, -300, -10), std::nullopt), proto::STATE_DOWN)
      << "no controller has said what time it is";
}

TEST(DoubtfulDates, AnAnchorThatExpiredIsNotHiddenByASmallDifference) {
  EXPECT_EQ(state_with(failed(proto::REASON_TLS_EXPIRED, -300, 300), seconds(120)), proto::STATE_DOWN);
  EXPECT_EQ(state_with(failed(proto::REASON_TLS_EXPIRED, -300, 300), 30 * kDays), proto::STATE_UNKNOWN);
}

TEST(DoubtfulDates, SaysWhoseClockAndKeepsWhatWasFound) {
  proto::RunResult result = failed(proto::REASON_TLS_EXPIRED, -300, -10);
  doubt_dates(result, 30 * kDays);
  EXPECT_EQ(result.reason(), proto::REASON_PROBE_FAULT);
  EXPECT_THAT(result.detail(), HasSubstr("ahead of the controller's"));
  EXPECT_THAT(result.detail(), HasSubstr("expired"));
  EXPECT_EQ(result.facts().tls().certificates_size(), 1);
}

TEST(DoubtfulDates, WithoutTheCertificateADifferenceIsReasonEnough) {
  proto::RunResult result = failed(proto::REASON_TLS_EXPIRED, -300, -10);
  result.mutable_facts()->clear_tls();
  EXPECT_EQ(state_with(result, seconds(90)), proto::STATE_UNKNOWN);
  EXPECT_EQ(state_with(result, seconds(30)), proto::STATE_DOWN);
}

}  // namespace
}  // namespace parallax
