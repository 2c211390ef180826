// `parallax-probe run` as its user sees it: exit status, standard output,
// standard error.
#include "probe/by_hand.h"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <chrono>
#include <cstdlib>
#include <fstream>

#include "tests/unit/probe/private_network.h"

namespace fs = std::filesystem;

namespace parallax {
namespace {

// What a run printed and how it ended.
struct Said {
  int status = -1;
  std::string out;
  std::string err;
};

Said run(const ByHand& request) {
  Said said;
  char* out_text = nullptr;
  char* err_text = nullptr;
  std::size_t out_size = 0;
  std::size_t err_size = 0;
  std::FILE* out = open_memstream(&out_text, &out_size);
  std::FILE* err = open_memstream(&err_text, &err_size);
  said.status = run_by_hand(request, out, err);
  std::fclose(out);
  std::fclose(err);
  said.out.assign(out_text, out_size);
  said.err.assign(err_text, err_size);
  std::free(out_text);
  std::free(err_text);
  return said;
}

class RunByHand : public ::testing::Test {
 protected:
  RunByHand() {
    std::string pattern = (fs::temp_directory_path() / "by-hand-XXXXXX").string();
    dir_ = mkdtemp(pattern.data());
  }
  ~RunByHand() override { fs::remove_all(dir_); }

  // The path of a new file with `text`.
  std::string file(const std::string& name, const std::string& text) const {
    std::ofstream(dir_ / name) << text;
    return (dir_ / name).string();
  }

  ByHand request(std::string what, ByHand::Output output = ByHand::Output::table) const {
    ByHand request;
    request.what = std::move(what);
    request.output = output;
    return request;
  }

  fs::path dir_;
};

constexpr const char* kTwoPings = R"([service]
name = "edge"
[[ping]]
name = "slow"
host = "127.0.0.1"
packets = 3
spacing = "50ms"
[[ping]]
name = "quick"
host = "127.0.0.1"
packets = 1
[[ping]]
name = "off"
host = "127.0.0.1"
enabled = false
)";

TEST_F(RunByHand, ShowsChecksInTheOrderOfTheFileAndPassesOverDisabledOnes) {
  const auto checks = file("edge.toml", kTwoPings);
  in_private_network([&] {
    const auto said = run(request(checks, ByHand::Output::json));
    EXPECT_EQ(said.status, 0) << said.err;
    EXPECT_EQ(said.err, "");
    const auto results = boost::json::parse(said.out).at("results").as_array();
    ASSERT_EQ(results.size(), 2u);
    EXPECT_EQ(results[0].at("check").as_string(), "slow") << "though the other was quicker";
    EXPECT_EQ(results[1].at("check").as_string(), "quick");
    EXPECT_EQ(results[0].at("facts").at("ping").at("received").to_number<int>(), 3);
  });
}

TEST_F(RunByHand, RepeatsAreASecondApartAndJsonlIsOneResultALine) {
  const auto checks = file("edge.toml", kTwoPings);
  in_private_network([&] {
    auto asked = request(checks, ByHand::Output::jsonl);
    asked.check = "edge/quick";
    asked.repeat = 2;
    const auto start = std::chrono::steady_clock::now();
    const auto said = run(asked);
    EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::seconds(1));
    EXPECT_EQ(std::count(said.out.begin(), said.out.end(), '\n'), 2);
    std::istringstream lines(said.out);
    for (std::string line; std::getline(lines, line);)
      EXPECT_EQ(boost::json::parse(line).at("state").as_string(), "up");
  });
}

TEST_F(RunByHand, TheWorstResultIsTheExitStatus) {
  const auto checks = file("all.toml", R"([service]
name = "all"
[[ping]]
name = "here"
host = "127.0.0.1"
packets = 1
[[ping]]
name = "no-route"
host = "192.0.2.1"
[[tls]]
name = "closed"
address = "127.0.0.1:1"
)");
  in_private_network([&] {
    const std::pair<const char*, int> statuses[] = {{"all/here", 0}, {"all/no-route", 3}, {"all/closed", 1}};
    for (const auto& [check, status] : statuses) {
      auto asked = request(checks);
      asked.check = check;
      EXPECT_EQ(run(asked).status, status) << check;
    }
    const auto said = run(request(checks));
    EXPECT_EQ(said.status, 1) << "down counts more than unknown";
    EXPECT_NE(said.out.find("3 runs: 1 up, 1 down, 1 unknown"), std::string::npos) << said.out;
    EXPECT_NE(said.out.find("connect_refused"), std::string::npos) << said.out;
  });
}

// Of a word in `text`.
int times(const std::string& word, const std::string& text) {
  int count = 0;
  for (auto at = text.find(word); at != text.npos; at = text.find(word, at + 1)) ++count;
  return count;
}

TEST_F(RunByHand, FactsStandBelowASingleCheckAndBelowWhatIsNotUp) {
  const auto checks = file("two.toml", R"([service]
name = "two"
[[ping]]
name = "here"
host = "127.0.0.1"
packets = 1
[[tls]]
name = "closed"
address = "127.0.0.1:1"
)");
  in_private_network([&] {
    const auto both = run(request(checks));
    EXPECT_EQ(times("address     127.0.0.1", both.out), 1) << both.out;
    EXPECT_EQ(times("packets     ", both.out), 0) << "that one is up: " << both.out;
    auto asked = request(checks);
    asked.check = "two/here";
    asked.repeat = 2;
    const auto twice = run(asked);
    EXPECT_EQ(times("two/here", twice.out), 2) << twice.out;
    EXPECT_EQ(times("packets     1 sent, 1 received, 0 % lost", twice.out), 1) << "once is enough: " << twice.out;
  });
}

TEST_F(RunByHand, AUrlIsOneCheckWithTheDefaults) {
  const auto said = run(request("tls://127.0.0.1:1", ByHand::Output::json));
  EXPECT_EQ(said.status, 1);
  const auto result = boost::json::parse(said.out).at("results").at(0);
  EXPECT_TRUE(result.at("service").is_null());
  EXPECT_TRUE(result.at("check").is_null());
  EXPECT_EQ(result.at("target").as_string(), "tls://127.0.0.1:1");
  EXPECT_EQ(result.at("type").as_string(), "tls");
  EXPECT_EQ(result.at("phase").as_string(), "connect");
}

TEST_F(RunByHand, TheGuardOfANamedProbeApplies) {
  auto asked = request("tls://127.0.0.1:1");
  asked.config = file("probe.toml", "controllers = [\"controller.example:7443\"]\n");
  auto said = run(asked);
  EXPECT_EQ(said.status, 3);
  EXPECT_NE(said.out.find("blocked_by_policy"), std::string::npos) << said.out;
  asked.config = file("open.toml",
                      "controllers = [\"c.example:7443\"]\n[guard]\nallow = "
                      "[\"127.0.0.0/8\"]\n");
  EXPECT_EQ(run(asked).status, 1);
  asked.config = file("own.toml", "controllers = [\"127.0.0.1:1\"]\n[guard]\nallow = [\"127.0.0.0/8\"]\n");
  EXPECT_EQ(run(asked).status, 3) << "its own controllers are out of bounds";
  asked.config = file("bad.toml", "controllers = [\"c.example:7443\"]\n[guard]\nalow = []\n");
  said = run(asked);
  EXPECT_EQ(said.status, 2);
  EXPECT_NE(said.err.find("did you mean \"allow\"?"), std::string::npos) << said.err;
}

TEST_F(RunByHand, WrongUsageIsToldWithTheNextStep) {
  const auto checks = file("edge.toml", kTwoPings);
  auto unknown = request(checks);
  unknown.check = "edge/quik";
  auto url_with_check = request("ping://127.0.0.1");
  url_with_check.check = "edge/quick";
  const std::pair<ByHand, const char*> cases[] = {
      {request("nowhere.toml"), "nowhere.toml: no such file or directory"},
      {request("gopher://shop.example"), "https://"},
      {unknown, "no check \"edge/quik\"; did you mean \"edge/quick\"?"},
      {url_with_check, "--check"},
  };
  for (const auto& [asked, says] : cases) {
    const auto said = run(asked);
    EXPECT_EQ(said.status, 2) << asked.what;
    EXPECT_EQ(said.out, "");
    EXPECT_NE(said.err.find(says), std::string::npos) << said.err;
  }
}

TEST_F(RunByHand, InvalidDefinitionsAreRefusedWholeWithEveryProblem) {
  const auto said =
      run(request(file("bad.toml", "[service]\nname = \"s\"\n[[ping]]\nname = \"p\"\nhst = \"h\"\n")));
  EXPECT_EQ(said.status, 4);
  EXPECT_EQ(said.out, "");
  EXPECT_NE(said.err.find("bad.toml:5:1: unknown key \"hst\"; did you mean \"host\"?"), std::string::npos)
      << said.err;
}

TEST_F(RunByHand, OnlyDisabledChecksAreNothingToDo) {
  auto asked = request(file("edge.toml", kTwoPings));
  asked.check = "edge/off";
  const auto said = run(asked);
  EXPECT_EQ(said.status, 0);
  EXPECT_EQ(said.out, "");
  EXPECT_NE(said.err.find("1 disabled"), std::string::npos) << said.err;
}

}  // namespace
}  // namespace parallax
