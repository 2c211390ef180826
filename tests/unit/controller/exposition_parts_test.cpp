// A page written part by part, while the books go on.
#include <gtest/gtest.h>

#include <map>
#include <sstream>

#include "controller/exposition.h"
#include "controller/page_maker.h"
#include "tests/unit/controller/gunzip.h"
#include "tests/unit/controller/wire.h"

namespace parallax {
namespace {

using std::chrono::seconds;

// Samples by what stands before the number; fails where one stands twice.
std::map<std::string, double> samples_of(const std::string& page) {
  std::map<std::string, double> samples;
  std::istringstream lines(page);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("#")) continue;
    const std::size_t space = line.rfind(' ');
    const bool is_new = samples.emplace(line.substr(0, space), std::stod(line.substr(space))).second;
    EXPECT_TRUE(is_new) << "twice: " << line;
  }
  return samples;
}

// How many series a page has of each check of the shop.
std::map<std::string, int> series_by_check(const std::map<std::string, double>& samples) {
  std::map<std::string, int> count;
  for (const auto& [series, number] : samples)
    if (const auto at = series.find("check=\""); at != std::string::npos) ++count[series.substr(at + 7, 2)];
  return count;
}

// Six checks c0 to c5 at three locations each, with a run everywhere, and three probes.
class ExpositionInPartsTest : public ::testing::Test {
 protected:
  ExpositionInPartsTest() {
    apply({"c0", "c1", "c2", "c3", "c4", "c5"});
    for (const char* name : {"a", "b", "c"}) {
      proto::Hello hello;
      hello.set_version("0.1.0");
      fleet.connected(probe_at(name), hello, kStart);
    }
    run_all();
  }

  void apply(const std::vector<std::string>& names) {
    checks.clear();
    for (const std::string& name : names) checks.push_back(http_check("shop", name, {"a", "b", "c"}));
    ledger.apply_definitions(shared(set_of(checks)), now);
  }
  void run_all() {
    now += seconds(15);
    for (const DefinedCheck& check : checks)
      for (std::uint32_t k = 0; k < 3; ++k)
        ledger.apply(probe_at(check.locations[k]),
                     run_of(check, grid_of(check, k).current(now), proto::STATE_DOWN, k), Milliseconds(0), now);
  }
  std::string whole(ExpositionFormat format = ExpositionFormat::text) const {
    return joined(write_exposition(format, ledger, fleet, figures, {}, now));
  }
  // The page in parts of one check, with something happening behind the part of that number.
  template <class Event>
  std::string with(int part, Event event) {
    ExpositionWriter writer(ExpositionFormat::text, ledger, fleet, figures, {});
    for (int i = 0; writer.write_some(1, now); ++i)
      if (i == part) event();
    return joined(writer.take());
  }

  WallTime now = kStart;
  std::vector<DefinedCheck> checks;
  Ledger ledger;
  FleetBook fleet;
  ControllerFigures figures{.version = "0.1.0", .revision = "abc", .last_reload_ok = true, .process = {}};
};

TEST_F(ExpositionInPartsTest, IsTheSamePageAsAtOnceWhenNothingHappens) {
  for (const auto format : {ExpositionFormat::text, ExpositionFormat::open_metrics})
    for (const std::size_t most : {1U, 4U, 7U, 1000U}) {
      ExpositionWriter writer(format, ledger, fleet, figures, {});
      int parts = 1;
      while (writer.write_some(most, now)) ++parts;
      EXPECT_EQ(joined(writer.take()), whole(format)) << "in parts of " << most;
      EXPECT_EQ(parts > 1, most < 21) << most;
    }
}

TEST_F(ExpositionInPartsTest, ShowsACheckThatGoesOrComesMeanwhileWholeOrNotAtAll) {
  const int series = series_by_check(samples_of(whole())).at("c0");
  const std::vector<std::vector<std::string>> others = {
      {"c0", "c1", "c3", "c4", "c5"}, {"c2"}, {"c9"}, {}, {"c0", "b9", "c1", "c2", "c3", "c4", "c5"}};
  for (const auto& names : others)
    for (int part = 0; part < 9; ++part) {
      const auto samples = samples_of(with(part, [&] { apply(names); }));
      for (const auto& [check, count] : series_by_check(samples)) {
        // A check without a run yet has fewer, the same everywhere.
        if (check[1] != '9') {
          EXPECT_EQ(count, series) << check << ", part " << part;
        }
      }
      apply({"c0", "c1", "c2", "c3", "c4", "c5"});
      run_all();
    }
}

TEST_F(ExpositionInPartsTest, NeverShowsACounterLowerThanThePageBefore) {
  auto before = samples_of(whole());
  for (int part = 0; part < 9; ++part) {
    auto page = samples_of(with(part, [&] { run_all(); }));
    for (const auto& [series, number] : before) {
      const std::string name = series.substr(0, series.find('{'));
      const bool counts = name.ends_with("_total") || name.ends_with("_count") || name.ends_with("_bucket");
      if (counts) {
        EXPECT_GE(page.at(series), number) << series;
      }
    }
    before = std::move(page);
  }
}

TEST_F(ExpositionInPartsTest, SaysOfAServiceWhatItSaysOfItsChecks) {
  const auto samples = samples_of(with(2, [&] {
    now += seconds(15);
    for (const DefinedCheck& check : checks)
      for (std::uint32_t k = 0; k < 3; ++k)
        ledger.apply(probe_at(check.locations[k]),
                     run_of(check, grid_of(check, k).current(now), proto::STATE_UP, k), Milliseconds(0), now);
  }));
  EXPECT_EQ(samples.at("parallax_check_up{service=\"shop\",check=\"c0\",instance=\"\"}"), 0);
  EXPECT_EQ(samples.at("parallax_check_up{service=\"shop\",check=\"c5\",instance=\"\"}"), 1);
  EXPECT_EQ(samples.at("parallax_service_up{service=\"shop\",instance=\"\"}"), 0) << "c0 is down on this page";
}

Task<> keep(Task<WebResponse> making, WebResponse& into, int& left) {
  into = co_await std::move(making);
  --left;
}

// Counts how often the loop comes round while pages are being made.
Task<> count_turns(const int& left, int& turns) {
  while (left > 0) {
    ++turns;
    co_await give_way();
  }
}

TEST_F(ExpositionInPartsTest, ManyPagesAtOnceAreAllMadeAndTheLoopIsGivenBackBetweenTwoParts) {
  std::vector<std::string> names;
  for (int i = 0; i < 300; ++i) names.push_back("c" + std::to_string(i));
  apply(names);           // 900 places
  const HandClock clock;  // stands still: no page gives up, however slow the machine
  Loop loop;
  PageMaker maker(loop, clock);
  TaskGroup tasks(loop);
  std::vector<WebResponse> answers(9);
  int left = static_cast<int>(answers.size());
  int turns = 0;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    PageMaker::Wish wish;
    wish.compressed = i % 2 == 0;
    tasks.spawn("page", keep(maker.make(wish, ledger, fleet, figures), answers[i], left));
  }
  tasks.spawn("other", count_turns(left, turns));
  loop.run();
  EXPECT_GT(turns, 5);
  const std::string all =
      joined(write_exposition(ExpositionFormat::text, ledger, fleet, figures, {}, clock.wall()));
  for (WebResponse& answer : answers) {
    EXPECT_EQ(answer.status, 200);
    for (const std::string& piece : answer.pieces) answer.body += piece;
    const std::string page =
        answer.headers.contains("Content-Encoding") ? gunzip(answer.body).value_or("") : answer.body;
    // Nothing of the books changed meanwhile.
    EXPECT_TRUE(page == all);
  }
}

}  // namespace
}  // namespace parallax
