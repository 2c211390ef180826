#include "base/web_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <thread>
#include <vector>

#include "base/listen_address.h"
#include "tests/unit/made_certificates.h"

namespace parallax {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using ::testing::HasSubstr;
using ::testing::StartsWith;

Task<WebResponse> echo(WebRequest request) {
  WebResponse response;
  response.body = request.method + " " + request.path;
  for (const auto& [name, value] : request.query) response.body += " " + name + "=" + value;
  response.body += " " + request.body;
  if (request.path == "/long")
    for (int i = 0; i < 100; ++i) response.pieces.push_back(std::string(50'000, static_cast<char>('a' + i % 26)));
  co_return response;
}

// A server on a thread of its own, so that the test can be an ordinary blocking client.
class WebServerTest : public ::testing::Test {
 protected:
  void start(const std::string& listen = "127.0.0.1:0") {
    const auto taken = server.listen(listen);
    ASSERT_TRUE(taken.has_value()) << taken.error().what;
    where = *taken;
    thread = std::thread([this] { loop.run(); });
  }
  ~WebServerTest() override {
    asio::post(loop, [this] { server.stop(); });
    if (thread.joinable()) thread.join();
    std::fclose(log_file);
  }

  // What the server answers to these bytes until it closes.
  std::string send(const std::string& bytes) {
    asio::io_context own;
    tcp::socket socket(own);
    socket.connect(*parse_listen_address(where));
    boost::system::error_code ended;
    asio::write(socket, asio::buffer(bytes), ended);
    std::string answer;
    asio::read(socket, asio::dynamic_buffer(answer), ended);
    return answer;
  }
  std::string logged() const {
    std::rewind(log_file);
    std::string text(1 << 16, '\0');
    text.resize(std::fread(text.data(), 1, text.size(), log_file));
    return text;
  }

  std::FILE* log_file = std::tmpfile();
  SystemClock clock;
  Log log{clock, Log::Format::logfmt, Log::Level::info, log_file};
  Loop loop;
  WebServer server{loop, log, echo};
  std::string where;
  std::thread thread;
};

TEST_F(WebServerTest, AnswersARequestAndItsQueryDecoded) {
  start();
  WebRequest request;
  request.method = "POST";
  request.path = "/metrics";
  request.query = {{"service", "shop api&x"}};
  request.body = "hello";
  const auto answer = ask(where, request, Milliseconds(5000));
  ASSERT_TRUE(answer.has_value()) << answer.error().what;
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->body, "POST /metrics service=shop api&x hello");
}

TEST_F(WebServerTest, KeepsTheConnectionForTheNextRequestAndSendsNoBodyToHead) {
  start();
  const std::string answer =
      send("HEAD /a HTTP/1.1\r\nHost: x\r\n\r\nGET /b%20c?q HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(answer, HasSubstr("Content-Length: 8"));  // "HEAD /a " itself does not come
  EXPECT_THAT(answer, ::testing::Not(HasSubstr("HEAD /a")));
  EXPECT_THAT(answer, HasSubstr("GET /b c q="));
}

TEST_F(WebServerTest, SendsALongAnswerInPiecesWithItsWholeLengthAndGoesOnServing) {
  start();
  const std::string answer =
      send("GET /long HTTP/1.1\r\nHost: x\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  std::string body = "GET /long ";
  for (int i = 0; i < 100; ++i) body += std::string(50'000, static_cast<char>('a' + i % 26));
  const std::size_t begin = answer.find("\r\n\r\n") + 4;
  EXPECT_THAT(answer.substr(0, begin), HasSubstr("Content-Length: 5000010\r\n"));
  EXPECT_TRUE(answer.substr(begin, body.size()) == body);
  EXPECT_THAT(answer.substr(begin + body.size()), StartsWith("HTTP/1.1 200"));
  EXPECT_TRUE(answer.ends_with("GET /b "));
}

TEST_F(WebServerTest, RefusesWhatIsTooLargeOrNoHttpAndGoesOnServing) {
  start();
  EXPECT_THAT(send("GET / HTTP/1.1\r\nX: " + std::string(20 << 10, 'x') + "\r\n\r\n"), StartsWith("HTTP/1.1 431"));
  EXPECT_THAT(send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999\r\n\r\n"), StartsWith("HTTP/1.1 413"));
  EXPECT_THAT(send("\x16\x03\x01 not http\r\n\r\n"), StartsWith("HTTP/1.1 400"));
  EXPECT_THAT(send("GET / HTTP/1.0\r\n\r\n"), StartsWith("HTTP/1.0 200"));
}

TEST_F(WebServerTest, SaysThatAPortIsInUseAndWhatToDo) {
  start();
  WebServer second(loop, log, echo);
  const auto refused = second.listen(where);
  ASSERT_FALSE(refused.has_value());
  EXPECT_THAT(refused.error().what,
              StartsWith("cannot listen on " + where + ": Address already in use; `ss -ltnp`"));
}

TEST_F(WebServerTest, SaysWhatAnAddressLooksLike) {
  for (const char* wrong : {"9877", "example.org:80", "127.0.0.1:99999", "::1:80", "127.0.0.1:"})
    EXPECT_FALSE(server.listen(wrong).has_value()) << wrong;
  EXPECT_THAT(server.listen("127.0.0.1").error().what, HasSubstr("write it like 127.0.0.1:9877"));
}

TEST_F(WebServerTest, ServesAUnixSocketThatOnlyItsOwnerMayUseAndReplacesADeadOne) {
  const testing::TemporaryFolder folder;
  const std::string path = folder / "control.sock";
  {
    asio::io_context gone;  // left over from a crash: bound, nobody accepts
    asio::local::stream_protocol::acceptor dead(gone, asio::local::stream_protocol::endpoint(path));
  }
  start("unix:" + path);
  struct stat found{};
  ASSERT_EQ(::stat(path.c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777, 0600);
  WebRequest request;
  request.method = "GET";
  request.path = "/explain";
  const auto answer = ask(where, request, Milliseconds(5000));
  ASSERT_TRUE(answer.has_value()) << answer.error().what;
  EXPECT_EQ(answer->body, "GET /explain ");
  WebServer second(loop, log, echo);
  EXPECT_THAT(second.listen(where).error().what, HasSubstr("another program answers there"));
}

TEST_F(WebServerTest, ServesAgainAfterTheDescriptorTableWasFullAndSaysSoOnce) {
  start();
  asio::io_context own;
  tcp::socket waiting(own);
  waiting.open(tcp::v4());
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  const rlimit tight{static_cast<rlim_t>(waiting.native_handle() + 1), before.rlim_max};
  std::vector<int> filler;
  ::setrlimit(RLIMIT_NOFILE, &tight);
  for (int fd = ::dup(0); fd >= 0; fd = ::dup(0)) filler.push_back(fd);
  waiting.connect(*parse_listen_address(where));  // the kernel completes it; accept() fails
  while (logged().find("cannot accept") == std::string::npos) std::this_thread::yield();
  for (const int fd : filler) ::close(fd);
  ::setrlimit(RLIMIT_NOFILE, &before);

  asio::write(waiting, asio::buffer(std::string("GET / HTTP/1.0\r\n\r\n")));
  std::string answer;
  boost::system::error_code ended;
  asio::read(waiting, asio::dynamic_buffer(answer), ended);
  EXPECT_THAT(answer, StartsWith("HTTP/1.0 200"));
  const std::string lines = logged();
  EXPECT_EQ(lines.find("cannot accept"), lines.rfind("cannot accept"));
}

}  // namespace
}  // namespace parallax
