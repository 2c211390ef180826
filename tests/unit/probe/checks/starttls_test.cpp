// STARTTLS against servers that agree, refuse, fall silent and cheat.
#include <gmock/gmock.h>

#include "tests/unit/probe/checks/check_test.h"

namespace parallax {
namespace {

using testing::HasSubstr;

// Says the first line unasked (where it has one) and each other in answer to what comes.
Task<> play_dialogue(TestConnection& connection, std::vector<std::string> lines, bool speaks_first) {
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (i > 0 || !speaks_first) co_await connection.read_some();
    co_await connection.send(lines[i]);
  }
}

Script dialogue(std::vector<std::string> lines, bool speaks_first = true) {
  return [lines, speaks_first](TestConnection& c) { return play_dialogue(c, lines, speaks_first); };
}

Task<> hold(TestConnection& connection, std::string words, bool closes) {
  co_await connection.send(std::move(words));
  if (closes) connection.close();
  for (int i = 0; !closes && i < 8; ++i) co_await connection.read_some();
}

Task<> listen_on(TestConnection& connection) { co_await connection.read_some(); }

const std::string kSmtpGreeting = "220-mail.example ESMTP\r\n220 ready\r\n";
const std::string kSmtpHello = "250-mail.example\r\n250-STARTTLS\r\n250 8BITMIME\r\n";

class StartTlsTest : public CheckTest {
 protected:
  Outcome outcome_of(const TestServer& server, const std::string& protocol, int timeout_ms = 5000) {
    proto::Check made;
    made.set_ip("any");
    made.mutable_tls()->set_address(server.address());
    made.mutable_tls()->set_starttls(protocol);
    made.mutable_tls()->mutable_tls()->set_ca_pem(ca.cert_pem);
    return run(made, timeout_ms);
  }
  Outcome outcome_of(const std::string& protocol, Script before) {
    TestServer server(loop, {.certificate = make_certificate({}, &ca), .before = std::move(before)}, listen_on);
    return outcome_of(server, protocol);
  }

  TestCertificate ca = make_authority("Example CA");
};

TEST_F(StartTlsTest, SpeaksEachProtocolUpToTheHandshake) {
  const struct {
    const char* protocol;
    Script before;
  } kCases[] = {
      {"smtp", dialogue({kSmtpGreeting, kSmtpHello, "220 go ahead\r\n"})},
      {"imap", dialogue({"* OK ready\r\n", "* CAPABILITY IMAP4rev2\r\na1 OK begin\r\n"})},
      {"pop3", dialogue({"+OK ready\r\n", "+OK begin\r\n"})},
      {"postgres", dialogue({"S"}, false)},
  };
  for (const auto& one : kCases) {
    const Outcome outcome = outcome_of(one.protocol, one.before);
    EXPECT_EQ(reason(outcome), "ok") << one.protocol << ": " << outcome.detail;
    EXPECT_TRUE(outcome.facts.tls().verified());
    EXPECT_TRUE(outcome.phases.of(proto::PHASE_TLS));
  }
}

TEST_F(StartTlsTest, TellsARefusalFromNonsenseAndACheat) {
  const struct {
    const char* protocol;
    const char* words;
    Script before;
  } kCases[] = {
      {"smtp", "\"554 no\"", dialogue({"554 no\r\n"})},
      {"smtp", "\"502 unknown command\"", dialogue({kSmtpGreeting, kSmtpHello, "502 unknown command\r\n"})},
      {"smtp", "in the clear", dialogue({kSmtpGreeting, kSmtpHello, "220 go ahead\r\n250 and more\r\n"})},
      {"smtp", "does not come to an end", dialogue({std::string(70'000, 'x')})},
      {"imap", "\"a1 BAD what\"", dialogue({"* OK ready\r\n", "a1 BAD what\r\n"})},
      {"imap", "\"* BYE busy\"", dialogue({"* BYE busy\r\n"})},
      {"pop3", "\"-ERR no\"", dialogue({"+OK ready\r\n", "-ERR no\r\n"})},
      {"pop3", "\"SSH-2.0-?[31m\"", dialogue({"SSH-2.0-\x1b[31m\r\n"})},
      {"postgres", "it has none", dialogue({"N"}, false)},
      {"postgres", "refused TLS", dialogue({"E"}, false)},
  };
  for (const auto& one : kCases) {
    const Outcome outcome = outcome_of(one.protocol, one.before);
    EXPECT_EQ(reason(outcome), "tls_protocol") << one.protocol << ": " << outcome.detail;
    EXPECT_EQ(phase(outcome), "tls");
    EXPECT_THAT(outcome.detail, HasSubstr(one.words));
  }
}

TEST_F(StartTlsTest, TellsSilenceFromAClose) {
  TestServer silent(loop, [](TestConnection& c) { return hold(c, "220-mail", false); });
  const Instant start = clock.now();
  const Outcome outcome = outcome_of(silent, "smtp", 200);
  EXPECT_EQ(reason(outcome), "tls_timeout");
  EXPECT_EQ(phase(outcome), "tls");
  EXPECT_LT(clock.now() - start, Milliseconds(450));
  TestServer closing(loop, [](TestConnection& c) { return hold(c, "220-mail", true); });
  const Outcome closed = outcome_of(closing, "smtp");
  EXPECT_EQ(reason(closed), "closed_early");
  EXPECT_EQ(phase(closed), "tls");
}

TEST_F(StartTlsTest, WhatItDoesNotKnowIsUnsupportedAndNobodyIsAsked) {
  TestServer server(loop, listen_on);
  for (const char* protocol : {"ftp", "ldap", "xmpp", "mysql"}) {
    const Outcome outcome = outcome_of(server, protocol);
    EXPECT_EQ(reason(outcome), "unsupported") << outcome.detail;
    EXPECT_EQ(outcome.state, proto::STATE_UNKNOWN);
  }
  EXPECT_EQ(server.connections(), 0);
}

}  // namespace
}  // namespace parallax
