// Requests through a proxy: one that forwards for real, and ones that misbehave.
#include "probe/net/proxy.h"

#include <gmock/gmock.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include "tests/unit/probe/checks/http_check_test.h"

namespace parallax {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using testing::HasSubstr;
using testing::Not;

Task<> pump(std::shared_ptr<tcp::socket> from, std::shared_ptr<tcp::socket> to) {
  std::array<char, 4096> room;
  boost::system::error_code error;
  for (const auto buffer = asio::buffer(room); !error;) {
    const std::size_t size =
        co_await from->async_read_some(buffer, asio::redirect_error(asio::use_awaitable, error));
    const auto part = asio::buffer(room, size);
    if (size > 0) co_await asio::async_write(*to, part, asio::redirect_error(asio::use_awaitable, error));
  }
  to->shutdown(tcp::socket::shutdown_send, error);
}

// A forwarding proxy on loopback; whatever name it is told stands for 127.0.0.1.
class ProxyServer {
 public:
  explicit ProxyServer(Loop& loop)
      : loop_(loop), acceptor_(loop, {asio::ip::address_v4::loopback(), 0}), tasks_(loop) {
    tasks_.spawn("proxy", accept());
  }
  std::string url() const { return "127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()); }
  std::string heard;  // the header blocks of all connections

 private:
  Task<> accept() {
    boost::system::error_code error;
    for (;;) {
      auto socket = std::make_shared<tcp::socket>(loop_);
      co_await acceptor_.async_accept(*socket, asio::redirect_error(asio::use_awaitable, error));
      if (error) co_return;
      tasks_.spawn("proxied", serve(socket));
    }
  }

  Task<> serve(std::shared_ptr<tcp::socket> client) {
    std::string request;
    std::array<char, 4096> room;
    const auto buffer = asio::buffer(room);
    boost::system::error_code error;
    while (!error && request.find("\r\n\r\n") == std::string::npos) {
      const auto size = co_await client->async_read_some(buffer, asio::redirect_error(asio::use_awaitable, error));
      request.append(room.data(), size);
    }
    heard += request;
    const bool is_tunnel = request.starts_with("CONNECT ");
    const std::string line = request.substr(0, request.find("\r\n"));
    const std::size_t colon = is_tunnel ? line.find(':') : line.find(':', line.find("://") + 3);
    const auto port = static_cast<std::uint16_t>(std::stoi(line.substr(colon + 1)));
    auto server = std::make_shared<tcp::socket>(loop_);
    const tcp::endpoint to(asio::ip::address_v4::loopback(), port);
    co_await server->async_connect(to, asio::redirect_error(asio::use_awaitable, error));
    const std::string agreed = "HTTP/1.1 200 Connection established\r\nVia: test\r\n\r\n";
    const auto words = asio::buffer(is_tunnel ? agreed : request);
    auto& first = is_tunnel ? *client : *server;
    co_await asio::async_write(first, words, asio::redirect_error(asio::use_awaitable, error));
    tasks_.spawn("back", pump(server, client));
    co_await pump(client, server);
  }

  Loop& loop_;
  tcp::acceptor acceptor_;
  TaskGroup tasks_;
};

class ProxyTest : public HttpCheckTest {
 protected:
  proto::Check check_by(const std::string& proxy, const std::string& url) {
    auto made = check(url);
    made.mutable_http()->set_proxy(proxy);
    return made;
  }
};

TEST_F(ProxyTest, TunnelsHttpsToANameThatOnlyTheProxyKnows) {
  ProxyServer proxy(loop);
  TestServer server(loop, {.certificate = make_certificate({}, &ca)}, always(answer_of("hello")));
  auto c = check_by(proxy.url(), "https://shop.example:" + std::to_string(server.port()) + "/");
  set_text(c, "Proxy-Authorization", "Basic dTpw");
  const Outcome outcome = run(c);
  EXPECT_EQ(reason(outcome), "ok") << outcome.detail;
  EXPECT_TRUE(outcome.facts.tls().verified());
  EXPECT_EQ(outcome.facts.address(), "127.0.0.1");
  EXPECT_THAT(proxy.heard,
              testing::StartsWith("CONNECT shop.example:" + std::to_string(server.port()) + " HTTP/1.1\r\n"));
  EXPECT_THAT(proxy.heard, HasSubstr("\r\nProxy-Authorization: Basic dTpw\r\n"));
  EXPECT_THAT(server.received(), Not(HasSubstr("Proxy-Authorization")));
  EXPECT_THAT(server.received(), testing::StartsWith("GET / HTTP/1.1\r\n"));
}

TEST_F(ProxyTest, AsksForPlainHttpWithTheWholeUrl) {
  ProxyServer proxy(loop);
  TestServer server(loop, always(answer_of("hello")));
  auto c = check_by(proxy.url(), "http://shop.example:" + std::to_string(server.port()) + "/a?b");
  set_text(c, "Proxy-Authorization", "Basic dTpw");
  c.mutable_http()->mutable_expect()->add_body_matches("hello");
  const Outcome outcome = run(c);
  EXPECT_EQ(reason(outcome), "ok") << outcome.detail;
  EXPECT_THAT(proxy.heard, testing::StartsWith("GET http://shop.example:" + std::to_string(server.port()) +
                                               "/a?b HTTP/1.1\r\n"));
  EXPECT_THAT(proxy.heard, HasSubstr("\r\nProxy-Authorization: Basic dTpw\r\n"));
}

TEST_F(ProxyTest, GoesAroundTheProxyWhereTheDefinitionSaysSo) {
  ProxyServer proxy(loop);
  TestServer server(loop, always(answer_of("hello")));
  auto c = check_by(proxy.url(), server.url());
  c.mutable_http()->add_no_proxy("127.0.0.0/8");
  EXPECT_EQ(reason(run(c)), "ok");
  EXPECT_EQ(proxy.heard, "");
}

TEST_F(ProxyTest, ItsTroubleIsReasonProxyInPhaseConnect) {
  const struct {
    const char* words;
    Script script;
  } kCases[] = {
      {"403 Forbidden", script_of("HTTP/1.1 403 Forbidden\r\n\r\n", After::wait)},
      {"407 Who are you", script_of("HTTP/1.1 407 Who are you\r\n\r\n", After::wait)},
      {"502 Bad Gateway", script_of("HTTP/1.1 502 Bad Gateway\r\n\r\n", After::close)},
      {"does not speak HTTP", script_of("SSH-2.0-x\r\n\r\n", After::wait)},
      {"sent something before", script_of("HTTP/1.1 200 OK\r\n\r\nSSH-2.0-x\r\n", After::wait)},
      {"without an answer", script_of("", After::close)},
      {"within its answer", script_of("HTTP/1.1 200 OK\r\n", After::close)},
      {"does not end", script_of("HTTP/1.1 200 OK\r\nX: " + std::string(70'000, 'x'), After::wait)},
      {"in time", script_of("", After::wait)},
  };
  for (const auto& one : kCases) {
    TestServer proxy(loop, one.script);
    const Instant start = clock.now();
    const Outcome outcome = run(check_by(proxy.address(), "https://shop.example/"), 400);
    EXPECT_EQ(reason(outcome), "proxy") << one.words << ": " << outcome.detail;
    EXPECT_EQ(outcome.state, proto::STATE_DOWN);
    EXPECT_EQ(phase(outcome), "connect");
    EXPECT_THAT(outcome.detail, HasSubstr(one.words));
    EXPECT_LT(clock.now() - start, Milliseconds(650));
  }
}

TEST_F(ProxyTest, APlainRequestThatTheProxyRefusesToForwardIsItsTroubleToo) {
  TestServer proxy(loop, always(answer_of("", "", "407 Proxy Authentication Required")));
  const Outcome outcome = run(check_by(proxy.address(), "http://shop.example/"));
  EXPECT_EQ(reason(outcome), "proxy") << outcome.detail;
  EXPECT_EQ(phase(outcome), "connect");
}

TEST_F(ProxyTest, AProxyThatIsNotThereOrNotAllowed) {
  std::string gone;
  {
    TestServer server(loop, always(""));
    gone = server.address();
  }
  const Outcome refused = run(check_by(gone, "https://shop.example/"));
  EXPECT_EQ(reason(refused), "proxy") << refused.detail;
  EXPECT_EQ(phase(refused), "connect");
  const Outcome unnamed = run(check_by("no-such-proxy.invalid:3128", "https://shop.example/"), 1000);
  EXPECT_EQ(phase(unnamed), "connect") << unnamed.detail;
  guard = *Guard::from_prefixes({});
  const Outcome blocked = run(check_by(gone, "https://shop.example/"));
  EXPECT_EQ(reason(blocked), "blocked_by_policy") << "the guard looks at the proxy: " << blocked.detail;
}

TEST(NoProxy, CoversNamesBelowAddressesAndPrefixes) {
  const std::vector<std::string> list = {"shop.example", ".crm.example", "192.0.2.7", "10.0.0.0/8",
                                         "2001:db8::/32"};
  for (const char* host : {"shop.example", "SHOP.example", "api.shop.example", "crm.example", "a.crm.example",
                           "192.0.2.7", "10.255.0.1", "2001:db8::9"})
    EXPECT_TRUE(goes_around_proxy(list, host)) << host;
  for (const char* host : {"myshop.example", "example", "192.0.2.8", "11.0.0.1", "2001:db9::9"})
    EXPECT_FALSE(goes_around_proxy(list, host)) << host;
  EXPECT_TRUE(goes_around_proxy({"*"}, "anything.example"));
  EXPECT_FALSE(goes_around_proxy({}, "anything.example"));
}

}  // namespace
}  // namespace parallax
