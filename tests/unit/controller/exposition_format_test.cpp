// A big page of everything, judged by parsers that are not ours and by rules that they do not check.
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <set>
#include <sstream>
#include <string>

#include "controller/exposition.h"
#include "controller/state_json.h"
#include "tests/unit/controller/shop.h"

namespace parallax {
namespace {

using std::chrono::seconds;

// Bytes that a target may send to break a page: quotes, line ends (U+2028 too), a forged sample, what is no UTF-8,
// NUL and DEL, and length.
const std::string kNasty = "CN=\"}\nforged_metric 1\n# EOF\n\\\" \xff\xfe\xc3 \r\x1b[31m\x7f \xe2\x80\xa8" +
                           std::string(1, '\0') + std::string(600, '\xc3');

proto::RunResult with_nasty_facts(proto::RunResult run) {
  run.set_detail(kNasty);
  proto::Facts& facts = *run.mutable_facts();
  facts.set_ip_protocol(6);
  facts.mutable_http()->set_status(200 + static_cast<int>(run.slot() % 30));
  facts.mutable_http()->set_version(run.slot() % 2 ? "1.1" : kNasty);
  facts.mutable_http()->set_final_url(kNasty);
  facts.set_address(kNasty);
  facts.mutable_tls()->set_version(kNasty);
  facts.mutable_tls()->set_cipher(kNasty);
  for (int i = 0; i < 3; ++i) {
    proto::Certificate& certificate = *facts.mutable_tls()->add_certificates();
    certificate.set_subject(kNasty);
    certificate.set_issuer(kNasty);
    certificate.add_sans(kNasty);
    certificate.set_not_after(1774778400.5 + i);
  }
  facts.mutable_ping()->set_sent(5);
  facts.mutable_ping()->add_rtt(0.00012);
  facts.mutable_ping()->set_loss(0.1);
  return run;
}

// Ten services, each with checks of every type at three locations, in every state.
struct BigShop {
  BigShop() {
    std::vector<DefinedCheck> checks;
    for (int i = 0; i < 10; ++i) {
      const std::string service = "service-" + std::to_string(i);
      checks.push_back(http_check(service, "http", {"a", "b", "c"}));
      checks.push_back(tls_check(service, "tls", {"a", "b", "c"}));
      checks.push_back(ping_check(service, "ping", {"a", "b", "c"}));
    }
    Definitions set = set_of(checks);
    set.services[0].set_title(kNasty);
    ledger.apply_definitions(shared(set), kStart);
    constexpr std::array kStates = {proto::STATE_UP, proto::STATE_DEGRADED, proto::STATE_DOWN,
                                    proto::STATE_UNKNOWN};
    int turn = 0;
    for (const DefinedCheck& check : checks)
      for (std::uint32_t k = 0; k < 3; ++k) {
        const proto::State state = kStates[static_cast<std::size_t>(++turn % 4)];
        const std::int64_t slot = grid_of(check, k).current(kStart);
        if (turn % 9 == 0) continue;
        const proto::RunResult run = with_nasty_facts(run_of(check, slot, state, k));
        const Applied applied =
            ledger.apply(probe_at(check.locations[k]), run, Milliseconds(0), kStart + seconds(1));
        EXPECT_EQ(applied, Applied::counted);
      }
    for (const char* location : {"a", "b", "c"}) {
      proto::Hello hello;
      hello.set_version(kNasty);
      fleet.connected(probe_at(location), hello, kStart);
      fleet.heartbeat(probe_at(location), proto::Heartbeat(), Milliseconds(5), kStart);
    }
  }

  std::string page(ExpositionFormat format) const {
    const ControllerFigures controller{"0.1.0", "abc", true,
                                       kStart,  false, {1.5, 1 << 20, 1 << 21, 9, 1024, 1769853600.5}};
    return joined(write_exposition(format, ledger, fleet, controller, {}, kStart + seconds(2)));
  }

  Ledger ledger;
  FleetBook fleet;
};

// A file that goes with the test.
class Scratch {
 public:
  explicit Scratch(const std::string& text) {
    std::string name = (std::filesystem::temp_directory_path() / "parallax-exposition-XXXXXX").string();
    const int fd = mkstemp(name.data());
    if (fd >= 0) close(fd);
    path_ = name;
    std::ofstream(path_) << text;
  }
  ~Scratch() { std::filesystem::remove(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

struct Ran {
  int status = -1;
  std::string output;
};

// Runs a shell command and takes its output and errors.
Ran run(const std::string& command) {
  Ran ran;
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen((command + " 2>&1").c_str(), "r"),
                                                   [](FILE*) { return 0; });
  if (!pipe) return ran;
  std::array<char, 4096> part{};
  while (const std::size_t got = fread(part.data(), 1, part.size(), pipe.get()))
    ran.output.append(part.data(), got);
  ran.status = pclose(pipe.get());
  return ran;
}

class BigPage : public testing::TestWithParam<ExpositionFormat> {
 protected:
  static void SetUpTestSuite() { shop_ = std::make_unique<BigShop>(); }
  static void TearDownTestSuite() { shop_.reset(); }
  static std::unique_ptr<BigShop> shop_;
};
std::unique_ptr<BigShop> BigPage::shop_;

TEST_P(BigPage, HasNoSeriesTwiceAndEachFamilyInOneBlock) {
  std::istringstream lines(shop_->page(GetParam()));
  std::set<std::string> series;
  std::set<std::string> families;
  std::string family;
  int helps = 0;
  int types = 0;
  for (std::string line; std::getline(lines, line);) {
    if (line == "# EOF") continue;
    if (line.starts_with("# HELP ")) {
      family = line.substr(7, line.find(' ', 7) - 7);
      EXPECT_TRUE(families.insert(family).second) << family << " in two blocks";
      ++helps;
      continue;
    }
    if (line.starts_with("# TYPE ")) {
      EXPECT_EQ(line.substr(7, line.find(' ', 7) - 7), family);
      ++types;
      continue;
    }
    EXPECT_TRUE(line.starts_with(family)) << line;
    EXPECT_TRUE(series.insert(line.substr(0, line.rfind(' '))).second) << "twice: " << line;
  }
  EXPECT_EQ(helps, types);
  EXPECT_GT(series.size(), 4000U);
}

TEST_P(BigPage, LetsNoTargetForgeASampleOrBreakALine) {
  const std::string page = shop_->page(GetParam());
  EXPECT_EQ(page.find("\nforged_metric"), std::string::npos);
  EXPECT_EQ(page.find('\xff'), std::string::npos);
  std::istringstream lines(page);
  for (std::string line; std::getline(lines, line);) EXPECT_LT(line.size(), 8000U);
}

INSTANTIATE_TEST_SUITE_P(Formats, BigPage, testing::Values(ExpositionFormat::text, ExpositionFormat::open_metrics),
                         [](const auto& format) {
                           return format.param == ExpositionFormat::text ? "Text" : "OpenMetrics";
                         });

TEST(ExpositionFormats, PromtoolFindsNothingButTheNamesOfBlackboxExporter) {
  ASSERT_EQ(run("command -v promtool").status, 0) << "promtool is not installed (Debian package prometheus)";
  const Scratch page(BigShop().page(ExpositionFormat::text));
  const Ran ran = run("promtool check metrics < " + page.path());
  std::istringstream lines(ran.output);
  for (std::string line; std::getline(lines, line);) ADD_FAILURE() << line;
  EXPECT_EQ(ran.status, 0);
}

TEST(ExpositionFormats, DebiansPythonParserReadsTheOpenMetricsForm) {
  constexpr const char* kScript =
      "import sys\n"
      "from prometheus_client.openmetrics.parser import text_string_to_metric_families as read\n"
      "families = list(read(open(sys.argv[1], encoding='utf-8', newline='').read()))\n"
      "print(len(families), sum(len(f.samples) for f in families))\n";
  ASSERT_EQ(run("/usr/bin/python3 -c 'import prometheus_client'").status, 0)
      << "the Debian package python3-prometheus-client is not installed";
  const Scratch script(kScript);
  const Scratch page(BigShop().page(ExpositionFormat::open_metrics));
  const Ran ran = run("/usr/bin/python3 " + script.path() + " " + page.path());
  EXPECT_EQ(ran.status, 0) << ran.output;
  int families = 0;
  int samples = 0;
  std::istringstream(ran.output) >> families >> samples;
  EXPECT_GT(families, 50) << ran.output;
  EXPECT_GT(samples, 4000) << ran.output;
}

TEST(ExpositionFormats, TheStateIsJsonWhateverTargetsSent) {
  const BigShop shop;
  const Scratch state(write_state_json(shop.ledger, shop.fleet, kStart + seconds(2)));
  constexpr const char* kScript =
      "import json, sys\n"
      "data = json.load(open(sys.argv[1], encoding='utf-8'))['data']\n"
      "print(len(data['services']), len(data['services'][0]['checks']), len(data['probes']))\n";
  const Scratch script(kScript);
  const Ran ran = run("/usr/bin/python3 " + script.path() + " " + state.path());
  EXPECT_EQ(ran.output, "10 3 3\n");
}

}  // namespace
}  // namespace parallax
