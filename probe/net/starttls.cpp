// Three of the protocols are lines of text (SMTP: RFC 5321 and 3207; IMAP: RFC 9051; POP3: RFC 1939 and 2595);
// PostgreSQL has one message of eight bytes and an answer of one (its manual, "Message Flow", SSL Session
// Encryption).
//
// What a server sends behind its last word in the clear is a fault: it would be taken for part of the protected
// conversation (CVE-2011-0411).
#include "probe/net/starttls.h"

#include <fmt/format.h>

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <optional>
#include <string_view>

namespace asio = boost::asio;

namespace parallax {
namespace {

// Bounds against hostile servers.
constexpr std::size_t kMostBytes = 64 * 1024;
constexpr std::size_t kMostShown = 100;

// For people: visible ASCII, not too long.
std::string shown(std::string_view line) {
  std::string plain(line.substr(0, kMostShown));
  for (char& c : plain)
    if (c < 32 || c > 126) c = '?';
  return plain;
}

Failure refused(const std::string& protocol, std::string_view line) {
  return {proto::REASON_TLS_PROTOCOL, fmt::format("the server refused TLS in {}: \"{}\"", protocol, shown(line))};
}

// The conversation in the clear on one socket.
class Dialogue {
 public:
  Dialogue(TcpSocket& socket, Instant deadline) : socket_(socket), watch_(socket, deadline) {}

  Task<Step<void>> say(std::string words) {
    boost::system::error_code error;
    const auto bytes = asio::buffer(words);
    co_await asio::async_write(socket_, bytes, asio::redirect_error(asio::use_awaitable, error));
    if (error) co_return std::unexpected(failure_of(error));
    co_return Step<void>();
  }

  // The next line without its end.
  Task<Step<std::string>> line() {
    for (;;) {
      const std::size_t end = heard_.find('\n');
      if (end != std::string::npos) {
        std::string line = heard_.substr(0, end);
        heard_.erase(0, end + 1);
        if (line.ends_with('\r')) line.pop_back();
        co_return line;
      }
      const auto more = co_await hear();
      if (!more) co_return std::unexpected(more.error());
    }
  }

  Task<Step<char>> byte() {
    while (heard_.empty()) {
      const auto more = co_await hear();
      if (!more) co_return std::unexpected(more.error());
    }
    const char first = heard_.front();
    heard_.erase(0, 1);
    co_return first;
  }

  // Nothing may have come behind the last word.
  Step<void> finish() const {
    if (heard_.empty()) return {};
    return std::unexpected(
        Failure{proto::REASON_TLS_PROTOCOL, "the server went on in the clear after it had agreed to TLS"});
  }

 private:
  Task<Step<void>> hear() {
    // Passed between two waits, the deadline has ended none of them.
    if (watch_.passed()) co_return std::unexpected(failure_of({}));
    std::array<char, 4096> bytes;
    boost::system::error_code error;
    const auto buffer = asio::buffer(bytes);
    const std::size_t size =
        co_await socket_.async_read_some(buffer, asio::redirect_error(asio::use_awaitable, error));
    if (error) co_return std::unexpected(failure_of(error));
    heard_.append(bytes.data(), size);
    total_ += size;
    if (total_ > kMostBytes)
      co_return std::unexpected(
          Failure{proto::REASON_TLS_PROTOCOL, "the server does not come to an end before TLS (64 KiB)"});
    co_return Step<void>();
  }

  Failure failure_of(const boost::system::error_code& error) const {
    if (watch_.passed())
      return {proto::REASON_TLS_TIMEOUT, heard_.empty() && total_ == 0 ? "the server said nothing before TLS"
                                                                       : "the server fell silent before TLS"};
    if (error == asio::error::operation_aborted) return {proto::REASON_PROBE_FAULT, "the run was stopped"};
    return {proto::REASON_CLOSED_EARLY, "the server closed the connection before TLS began"};
  }

  TcpSocket& socket_;
  SocketDeadline watch_;
  std::string heard_;
  std::size_t total_ = 0;
};

// An SMTP reply: "250-one", "250-two", "250 last"; its last line.
Task<Step<std::string>> smtp_reply(Dialogue& dialogue) {
  for (;;) {
    auto line = co_await dialogue.line();
    if (!line || line->size() < 4 || (*line)[3] != '-') co_return line;
  }
}

Task<Step<void>> smtp_expect(Dialogue& dialogue, std::string code) {
  const auto reply = co_await smtp_reply(dialogue);
  if (!reply) co_return std::unexpected(reply.error());
  if (!reply->starts_with(code)) co_return std::unexpected(refused("smtp", *reply));
  co_return Step<void>();
}

Task<Step<void>> smtp(Dialogue& dialogue) {
  auto step = co_await smtp_expect(dialogue, "220");
  if (step) step = co_await dialogue.say("EHLO parallax-probe\r\n");
  if (step) step = co_await smtp_expect(dialogue, "250");
  if (step) step = co_await dialogue.say("STARTTLS\r\n");
  if (step) step = co_await smtp_expect(dialogue, "220");
  co_return step;
}

Task<Step<void>> imap(Dialogue& dialogue) {
  const auto greeting = co_await dialogue.line();
  if (!greeting) co_return std::unexpected(greeting.error());
  if (!greeting->starts_with("* OK")) co_return std::unexpected(refused("imap", *greeting));
  const auto said = co_await dialogue.say("a1 STARTTLS\r\n");
  if (!said) co_return said;
  for (;;) {
    const auto line = co_await dialogue.line();
    if (!line) co_return std::unexpected(line.error());
    if (line->starts_with("* ")) continue;  // the server may say things that nobody asked for
    if (!line->starts_with("a1 OK")) co_return std::unexpected(refused("imap", *line));
    co_return Step<void>();
  }
}

Task<Step<void>> pop3(Dialogue& dialogue) {
  const auto greeting = co_await dialogue.line();
  if (!greeting) co_return std::unexpected(greeting.error());
  if (!greeting->starts_with("+OK")) co_return std::unexpected(refused("pop3", *greeting));
  const auto said = co_await dialogue.say("STLS\r\n");
  if (!said) co_return said;
  const auto answer = co_await dialogue.line();
  if (!answer) co_return std::unexpected(answer.error());
  if (!answer->starts_with("+OK")) co_return std::unexpected(refused("pop3", *answer));
  co_return Step<void>();
}

Task<Step<void>> postgres(Dialogue& dialogue) {
  const std::string request("\x00\x00\x00\x08\x04\xd2\x16\x2f", 8);  // SSLRequest: length 8, code 80877103
  const auto said = co_await dialogue.say(request);
  if (!said) co_return said;
  const auto answer = co_await dialogue.byte();
  if (!answer) co_return std::unexpected(answer.error());
  if (*answer == 'S') co_return Step<void>();
  if (*answer == 'N')
    co_return std::unexpected(
        Failure{proto::REASON_TLS_PROTOCOL, "the server refused TLS in postgres: it has none"});
  co_return std::unexpected(refused("postgres", std::string_view(&*answer, 1)));
}

}  // namespace

bool can_start_tls(const std::string& protocol) {
  return protocol == "smtp" || protocol == "imap" || protocol == "pop3" || protocol == "postgres";
}

Task<Step<void>> start_tls(TcpSocket& socket, std::string protocol, Instant deadline) {
  Dialogue dialogue(socket, deadline);
  Step<void> done;
  if (protocol == "smtp") done = co_await smtp(dialogue);
  if (protocol == "imap") done = co_await imap(dialogue);
  if (protocol == "pop3") done = co_await pop3(dialogue);
  if (protocol == "postgres") done = co_await postgres(dialogue);
  if (done) done = dialogue.finish();
  co_return done;
}

}  // namespace parallax
