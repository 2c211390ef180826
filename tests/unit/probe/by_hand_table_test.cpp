#include "probe/by_hand_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <sstream>

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

using Facts = Table::Facts;

TEST(ByHandTable, IsPlainTextWithAlignedColumnsWhenNobodyWatches) {
  const Table table{TableStyle()};
  EXPECT_EQ(table.header(), "STATE     REASON                   TIME  CHECK\n");
  EXPECT_EQ(table.row(check_with_id("a/b"), slow_run(), Facts::none),
            "down      response_timeout         10 s  a/b\n"
            "    no answer within 10 s (in processing) (attempt 2)\n"
            "    resolve 400 us, processing 2 s\n");
}

TEST(ByHandTable, DrawsPhasesAsBarsOnATerminal) {
  auto result = slow_run();
  result.mutable_phases(0)->set_nanoseconds(500'000'000);
  result.mutable_phases(1)->set_nanoseconds(1'500'000'000);
  TableStyle style;
  style.bars = true;
  const auto ascii = Table(style).row(check_with_id("a/b"), result, Facts::none);
  EXPECT_NE(ascii.find("\n    .....###############  . resolve 500 ms  # processing 1.5 s\n"), ascii.npos) << ascii;
  style.blocks = true;
  style.colors = true;
  const auto coloured = Table(style).row(check_with_id("a/b"), result, Facts::none);
  EXPECT_NE(coloured.find("░░░░░\x1b[0m"), coloured.npos) << coloured;
  EXPECT_NE(coloured.find("\x1b[31mdown"), coloured.npos) << coloured;
}

TEST(ByHandTable, AScreenOf80ColumnsTakesItAndAFileHasWholeLines) {
  auto result = slow_run();
  result.set_detail("certificate of shop.example is for " + std::string(30, 'a') +
                    ".example, www.shop.example and others");
  for (const auto phase : {proto::PHASE_CONNECT, proto::PHASE_TLS, proto::PHASE_TRANSFER}) {
    auto* time = result.add_phases();
    time->set_phase(phase);
    time->set_nanoseconds(123'000);
  }
  result.mutable_facts()->mutable_ping()->set_sent(5);
  for (const bool on_screen : {true, false}) {
    TableStyle style;
    style.bars = style.blocks = on_screen;
    const auto row = Table(style).row(check_with_id("shop-api/health"), result, Facts::all);
    std::istringstream lines(row);
    std::size_t longest = 0;
    for (std::string line; std::getline(lines, line);) longest = std::max(longest, width_of(line));
    if (on_screen)
      EXPECT_LE(longest, 80u) << row;
    else
      EXPECT_NE(row.find("    " + result.detail() + " (in processing) (attempt 2)\n"), row.npos) << row;
  }
}

TEST(ByHandTable, ShowsFactsWhenAsked) {
  auto result = slow_run();
  result.mutable_facts()->set_address("192.0.2.7");
  result.mutable_facts()->set_ip_protocol(4);
  const Table table{TableStyle()};
  EXPECT_NE(table.row(check_with_id("a/b"), result, Facts::all).find("\n    address     192.0.2.7 (IPv4)\n"),
            std::string::npos);
  EXPECT_EQ(table.row(check_with_id("a/b"), result, Facts::none).find("address"), std::string::npos);
}

TEST(ByHandTable, ATargetCannotWriteToTheTerminal) {
  const std::vector checks{check_with_id("shop-api/health")};
  auto result = slow_run();
  result.set_detail(
      "\x1b]0;owned\x07 \xc2\x9b"
      "31m \r\n\x7f \xff\xfe Grüße");
  result.mutable_facts()->set_address("192.0.2.7\n\x1b[2J");
  const auto row = Table(TableStyle()).row(checks[0], result, Facts::all);
  const auto detail = row.substr(row.find('\n') + 1);
  for (const char byte : detail)
    EXPECT_TRUE(byte == '\n' || (static_cast<unsigned char>(byte) >= 0x20 && byte != 0x7f)) << detail;
  EXPECT_EQ(std::count(row.begin(), row.end(), '\n'), 4) << "columns, detail, phases, a fact: " << row;
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
  const Table table{TableStyle()};
  EXPECT_EQ(table.summary({proto::STATE_DOWN, proto::STATE_UP, proto::STATE_UP}), "\n3 runs: 2 up, 1 down\n");
  EXPECT_EQ(table.summary({proto::STATE_UP}), "\n1 run: 1 up\n");
}

}  // namespace
}  // namespace parallax
