// A run ends at its deadline whatever the server does, says in which phase it died, and counts the time there.
#include <gmock/gmock.h>
#include <sys/socket.h>

#include <algorithm>

#include "tests/unit/probe/checks/http_check_test.h"

namespace parallax {
namespace {

constexpr Milliseconds kTimeout{300};
// The contract's 250 ms, and as much again for the machine of the tests.
constexpr Milliseconds kLatest = kTimeout + Milliseconds(500);

// How a run has to end.
struct Death {
  proto::Check check;
  const char* reason;
  proto::Phase phase;
  std::optional<Outcome> outcome = {};
  Nanoseconds took{};
};

class HttpDeadlineTest : public HttpCheckTest {
 protected:
  void dies(const proto::Check& c, const char* wanted_reason, proto::Phase wanted_phase) {
    std::vector<Death> one = {{c, wanted_reason, wanted_phase}};
    die(one);
  }

  // Runs all at once with kTimeout: each ends in time, with its reason in its phase, and that is where the time
  // went.
  void die(std::vector<Death>& deaths) {
    {
      TaskGroup group(loop);
      for (Death& death : deaths) group.spawn("run", run_one(death));
      const Instant end = in_ms(10'000);
      const auto is_over = [](const Death& death) { return death.outcome.has_value(); };
      while (!std::all_of(deaths.begin(), deaths.end(), is_over) && clock.now() < end) {
        loop.restart();
        loop.run_one_for(Milliseconds(100));
      }
    }
    for (const Death& death : deaths) {
      SCOPED_TRACE("#" + std::to_string(&death - deaths.data()));
      if (death.outcome)
        judge(death);
      else
        ADD_FAILURE() << "the run did not end";
    }
  }

  Task<> run_one(Death& death) {
    const Instant start = clock.now();
    Outcome outcome = co_await run_check(death.check, tools, start + kTimeout);
    death.took = clock.now() - start;
    death.outcome = std::move(outcome);
  }

  static void judge(const Death& death) {
    const Outcome& outcome = *death.outcome;
    EXPECT_EQ(reason(outcome), death.reason) << outcome.detail;
    EXPECT_EQ(outcome.state, proto::STATE_DOWN);
    EXPECT_EQ(outcome.phase, death.phase) << outcome.detail;
    EXPECT_LT(death.took, kLatest);
    Nanoseconds sum{};
    for (const auto& [phase, duration] : outcome.phases.all()) {
      EXPECT_GE(duration, Nanoseconds(0));
      sum += duration;
    }
    EXPECT_LE(sum, death.took) << "phases are disjoint";
    EXPECT_GE(sum, kTimeout * 9 / 10) << "phases leave nothing out";
    ASSERT_TRUE(outcome.phases.of(death.phase));
    EXPECT_GT(*outcome.phases.of(death.phase), kTimeout / 2) << "the time in the phase where it died counts";
  }
};

// A listener that answers no SYN any more: its queue is full.
class FullListener {
 public:
  explicit FullListener(Loop& loop) : acceptor_(loop) {
    acceptor_.open(boost::asio::ip::tcp::v4());
    acceptor_.bind({boost::asio::ip::address_v4::loopback(), 0});
    ::listen(acceptor_.native_handle(), 0);
    for (int i = 0; i < 8; ++i) {
      waiting_.emplace_back(loop).open(boost::asio::ip::tcp::v4());
      waiting_.back().native_non_blocking(true);
      const auto to = acceptor_.local_endpoint();
      ::connect(waiting_.back().native_handle(), to.data(), static_cast<socklen_t>(to.size()));
    }
  }
  std::string address() const { return "127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()); }

 private:
  boost::asio::ip::tcp::acceptor acceptor_;
  std::vector<boost::asio::ip::tcp::socket> waiting_;
};

TEST_F(HttpDeadlineTest, AtAHostThatIsSilent) {
  FullListener full(loop);
  std::vector<Death> deaths = {{check("http://" + full.address()), "connect_timeout", proto::PHASE_CONNECT},
                               {check("https://" + full.address()), "connect_timeout", proto::PHASE_CONNECT}};
  die(deaths);
}

TEST_F(HttpDeadlineTest, InATlsHandshakeThatIsSilentOrDrips) {
  // The head of a handshake record of 16 KiB, and then one byte of it after the other.
  const std::string record("\x16\x03\x03\x40\x00\x02\x00\x3f\xfc", 9);
  TestServer silent(loop, script_of("", After::wait)), begun(loop, script_of("\x16", After::wait)),
      drips(loop, dripping(record, std::string(1, '\0')));
  std::vector<Death> deaths;
  for (const TestServer* server : {&silent, &begun, &drips})
    deaths.push_back({check("https://" + server->address() + "/"), "tls_timeout", proto::PHASE_TLS});
  die(deaths);
}

TEST_F(HttpDeadlineTest, WhereTheRequestIsNotTaken) {
  TestServer plain(loop, never_read), over_tls(loop, {.certificate = make_certificate({}, &ca)}, never_read);
  std::vector<Death> deaths;
  for (const TestServer* server : {&plain, &over_tls}) {
    auto c = check(server->url());
    c.mutable_http()->set_method("POST");
    c.mutable_http()->set_body(std::string(16 << 20, 'x'));
    deaths.push_back({c, "send_timeout", proto::PHASE_PROCESSING});
  }
  die(deaths);
}

TEST_F(HttpDeadlineTest, WhereNothingIsAnswered) {
  const Script silent = script_of("", After::wait);
  TestServer plain(loop, silent), over_tls(loop, {.certificate = make_certificate({}, &ca)}, silent);
  std::vector<Death> deaths = {{check(plain.url()), "response_timeout", proto::PHASE_PROCESSING},
                               {check(over_tls.url()), "response_timeout", proto::PHASE_PROCESSING}};
  die(deaths);
}

TEST_F(HttpDeadlineTest, WhereAnAnswerDripsWithoutEnd) {
  const std::string ok = "HTTP/1.1 200 OK\r\n", chunked = ok + "Transfer-Encoding: chunked\r\n\r\n";
  const std::vector<std::pair<std::string, std::string>> kDrips = {
      {"HTTP/1.1 200 ", "x"},                 // the status line's phrase
      {ok, "x"},                              // a header's name
      {ok + "X: ", "x"},                      // and value
      {ok, "X: y\r\n"},                       // headers
      {"", "HTTP/1.1 100 Continue\r\n\r\n"},  // informational answers
      {ok + "\r\n", "x"},                     // the body
      {ok + "Content-Length: 100000\r\n\r\n", "x"},
      {chunked, "1\r\nx\r\n"},
      {chunked + "5;", "x"},        // a chunk's extension
      {chunked + "0\r\nX: ", "x"},  // a trailer
  };
  std::vector<std::unique_ptr<TestServer>> servers;
  servers.push_back(std::make_unique<TestServer>(loop, script_of("H", After::wait)));
  servers.push_back(std::make_unique<TestServer>(loop, TestTls{.certificate = make_certificate({}, &ca)},
                                                 dripping(ok + "\r\n", "x")));
  for (const auto& [words, again] : kDrips)
    servers.push_back(std::make_unique<TestServer>(loop, dripping(words, again)));
  std::vector<Death> deaths;
  for (const auto& server : servers)
    deaths.push_back({check(server->url()), "response_timeout", proto::PHASE_TRANSFER});
  die(deaths);
}

TEST_F(HttpDeadlineTest, OneDeadlineIsForAllHops) {
  TestServer silent(loop, script_of("", After::wait));
  TestServer start(loop, {.certificate = make_certificate({}, &ca)}, always(redirect_to(silent.url())));
  dies(check(start.url()), "response_timeout", proto::PHASE_PROCESSING);
}

Task<> answer_late(TestConnection& connection, std::string head, std::string rest, int ms) {
  co_await connection.read_request();
  co_await sleep_until(in_ms(ms));
  co_await connection.send(std::move(head));
  co_await sleep_until(in_ms(ms));
  co_await connection.send(std::move(rest));
}

TEST_F(HttpDeadlineTest, PhasesOfAllHopsAddUpToTheDuration) {
  const auto late = [](const std::string& answer) {
    return [answer](TestConnection& connection) {
      return answer_late(connection, answer.substr(0, 9), answer.substr(9), 60);
    };
  };
  TestServer end(loop, late(answer_of("end")));
  TestServer start(loop, {.certificate = make_certificate({}, &ca)}, late(redirect_to(end.url())));
  const Instant begin = clock.now();
  const Outcome outcome = run(check(start.url()));
  const Nanoseconds took = clock.now() - begin;
  EXPECT_EQ(reason(outcome), "ok") << outcome.detail;
  Nanoseconds sum{};
  for (const auto& [phase, duration] : outcome.phases.all()) sum += duration;
  EXPECT_LE(sum, took);
  EXPECT_GT(sum, took * 8 / 10);
  EXPECT_GE(*outcome.phases.of(proto::PHASE_PROCESSING), Milliseconds(119)) << "of both hops";
  EXPECT_GE(*outcome.phases.of(proto::PHASE_TRANSFER), Milliseconds(119))
      << "of both hops, from the first byte on";
  EXPECT_EQ(outcome.phases.all().size(), 5U) << "resolve, connect, tls, processing, transfer: once each";
}

}  // namespace
}  // namespace parallax
