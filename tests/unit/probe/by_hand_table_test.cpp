#include "probe/by_hand_table.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <numeric>

namespace parallax {
namespace {

proto::Check check_with_id(const std::string& id) {
  proto::Check check;
  check.set_id(id);
  check.set_target("https://shop.example/health");
  return check;
}

proto::RunResult slow_run() {
  proto::RunResult result;
  result.set_state(proto::STATE_DOWN);
  result.set_reason(proto::REASON_RESPONSE_TIMEOUT);
  result.set_phase(proto::PHASE_PROCESSING);
  result.set_detail("no answer within 10 s");
  result.set_duration_ns(10'000'000'000);
  result.set_attempts(2);
  for (const auto& [phase, ns] :
       {std::pair{proto::PHASE_RESOLVE, 400'000}, {proto::PHASE_PROCESSING, 1'999'600'000}}) {
    auto* time = result.add_phases();
    time->set_phase(phase);
    time->set_nanoseconds(ns);
  }
  return result;
}

TEST(ByHandTable, IsPlainTextWithAlignedColumnsWhenNobodyWatches) {
  const std::vector checks{check_with_id("shop-api/health"), check_with_id("a/b")};
  const Table table(TableStyle(), checks);
  EXPECT_EQ(table.header(), "CHECK            STATE     REASON                   TIME  PHASES\n");
  EXPECT_EQ(table.row(checks[1], slow_run()),
            "a/b              down      response_timeout         10 s  resolve 400 us, processing 2 s\n"
            "    no answer within 10 s (in processing) (attempt 2)\n");
}

TEST(ByHandTable, DrawsPhasesAsBarsOnATerminal) {
  const std::vector checks{check_with_id("shop-api/health")};
  auto result = slow_run();
  result.mutable_phases(0)->set_nanoseconds(500'000'000);
  result.mutable_phases(1)->set_nanoseconds(1'500'000'000);
  TableStyle style;
  style.bars = true;
  const auto ascii = Table(style, checks).row(checks[0], result);
  EXPECT_NE(ascii.find(".....###############  . resolve 500 ms  # processing 1.5 s\n"), ascii.npos) << ascii;
  style.blocks = true;
  style.colors = true;
  const auto coloured = Table(style, checks).row(checks[0], result);
  EXPECT_NE(coloured.find("░░░░░\x1b[0m"), coloured.npos) << coloured;
  EXPECT_NE(coloured.find("\x1b[31mdown"), coloured.npos) << coloured;
}

TEST(ByHandTable, ATargetCannotWriteToTheTerminal) {
  const std::vector checks{check_with_id("shop-api/health")};
  auto result = slow_run();
  result.set_detail(
      "\x1b]0;owned\x07 \xc2\x9b"
      "31m \r\n\x7f \xff\xfe Grüße");
  const auto row = Table(TableStyle(), checks).row(checks[0], result);
  const auto detail = row.substr(row.find('\n') + 1);
  for (const char byte : detail.substr(0, detail.size() - 1))
    EXPECT_TRUE(static_cast<unsigned char>(byte) >= 0x20 && byte != 0x7f) << detail;
  EXPECT_EQ(detail.find("\xc2\x9b"), detail.npos);
  EXPECT_NE(detail.find("Grüße"), detail.npos);
}

TEST(ByHandTable, ABarIsAlwaysAsLongAsItIs) {
  for (const auto& times : std::vector<std::vector<std::int64_t>>{
           {1, 1, 1}, {1, 1'000'000'000}, {333, 333, 334, 1, 0}, {7}, {1, 2, 3, 4, 5, 6, 7}}) {
    const auto cells = bar_cells(times, 20);
    EXPECT_EQ(std::accumulate(cells.begin(), cells.end(), 0u), 20u);
  }
  EXPECT_EQ(bar_cells({0, 0}, 20), (std::vector<unsigned>{0, 0}));
  EXPECT_EQ(bar_cells({1, 3}, 20), (std::vector<unsigned>{5, 15}));
}

TEST(ByHandTable, CountsWhatItShowed) {
  const Table table(TableStyle(), {});
  EXPECT_EQ(table.summary({proto::STATE_DOWN, proto::STATE_UP, proto::STATE_UP}), "\n3 runs: 2 up, 1 down\n");
  EXPECT_EQ(table.summary({proto::STATE_UP}), "\n1 run: 1 up\n");
}

}  // namespace
}  // namespace parallax
