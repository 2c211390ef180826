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

// Plays its part of the dialogue, then goes or says no more.
Task<> stop_after(TestConnection& connection, std::vector<std::string> lines, bool speaks_first, bool closes) {
  co_await play_dialogue(connection, lines, speaks_first);
  if (!speaks_first || !lines.empty()) co_await connection.read_some();
  if (closes) connection.close();
  for (int i = 0; !closes && i < 8; ++i) co_await connection.read_some();
}

Task<> drip_after(TestConnection& connection, std::vector<std::string> lines, std::string drop) {
  co_await play_dialogue(connection, std::move(lines), true);
  for (bool there = true; there;) {
    there = co_await connection.send(drop);
    if (there) co_await sleep_until(in_ms(5));
  }
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

// Each protocol's last word in the clear, preceded by what leads up to it.
struct Spoken {
  const char* protocol;
  std::vector<std::string> lines;
  bool speaks_first;
};
const Spoken kSpoken[] = {
    {"smtp", {kSmtpGreeting, kSmtpHello, "220 go ahead\r\n"}, true},
    {"imap", {"* OK ready\r\n", "a1 OK begin\r\n"}, true},
    {"pop3", {"+OK ready\r\n", "+OK begin\r\n"}, true},
    {"postgres", {"S"}, false},
};

// CVE-2011-0411: what was put behind the last word is nobody's, together with it or a moment later.
TEST_F(StartTlsTest, WordsPutBehindTheLastOneAreNeverTakenForProtected) {
  for (const Spoken& spoken : kSpoken) {
    for (const bool at_once : {true, false}) {
      std::vector<std::string> lines = spoken.lines;
      const std::string injected = "* OK and this\r\n";
      at_once ? void(lines.back() += injected) : lines.push_back(injected);
      const Outcome outcome = outcome_of(spoken.protocol, dialogue(lines, spoken.speaks_first));
      EXPECT_EQ(reason(outcome), "tls_protocol") << spoken.protocol << ": " << outcome.detail;
      EXPECT_EQ(phase(outcome), "tls");
      EXPECT_EQ(outcome.state, proto::STATE_DOWN);
      EXPECT_FALSE(outcome.facts.has_tls());
      EXPECT_THAT(outcome.detail, HasSubstr(at_once ? "in the clear" : "is not TLS"));
    }
  }
}

// At every point at which a server may stop: silent, gone, and babbling.
TEST_F(StartTlsTest, TellsSilenceAndACloseAtEveryStepOfEveryProtocol) {
  for (const Spoken& spoken : kSpoken) {
    for (std::size_t steps = 0; steps < spoken.lines.size(); ++steps) {
      const std::vector<std::string> lines(spoken.lines.begin(), spoken.lines.begin() + static_cast<long>(steps));
      const auto stopping = [&](bool closes) {
        return [=](TestConnection& c) { return stop_after(c, lines, spoken.speaks_first, closes); };
      };
      TestServer closing(loop, stopping(true));
      const Outcome closed = outcome_of(closing, spoken.protocol);
      EXPECT_EQ(reason(closed), "closed_early") << spoken.protocol << steps << ": " << closed.detail;
      EXPECT_EQ(phase(closed), "tls");
      TestServer silent(loop, stopping(false));
      const Outcome timed_out = outcome_of(silent, spoken.protocol, 60);
      EXPECT_EQ(reason(timed_out), "tls_timeout") << spoken.protocol << steps << ": " << timed_out.detail;
      EXPECT_EQ(phase(timed_out), "tls");
      EXPECT_GE(*timed_out.phases.of(proto::PHASE_TLS), Milliseconds(40)) << "the time spent in the phase counts";
    }
    const Outcome garbage = outcome_of(spoken.protocol, dialogue({"\xff\xfe garbage\r\n"}, spoken.speaks_first));
    EXPECT_EQ(reason(garbage), "tls_protocol") << spoken.protocol << ": " << garbage.detail;
    EXPECT_EQ(phase(garbage), "tls");
  }
}

TEST_F(StartTlsTest, EndsAtItsDeadlineThoughTheDialogueNeverDoes) {
  const struct {
    const char* protocol;
    std::vector<std::string> lines;
    const char* drop;
  } kCases[] = {
      {"smtp", {}, "220-mail.example\r\n"},
      {"smtp", {kSmtpGreeting}, "2"},
      {"imap", {"* OK ready\r\n"}, "* OK still busy\r\n"},
      {"pop3", {}, "+"},
  };
  for (const auto& one : kCases) {
    TestServer server(loop, [&](TestConnection& c) { return drip_after(c, one.lines, one.drop); });
    const Instant start = clock.now();
    const Outcome outcome = outcome_of(server, one.protocol, 200);
    const Nanoseconds took = clock.now() - start;
    EXPECT_EQ(reason(outcome), "tls_timeout") << one.drop << ": " << outcome.detail;
    EXPECT_EQ(phase(outcome), "tls");
    EXPECT_GE(*outcome.phases.of(proto::PHASE_TLS), Milliseconds(150));
    EXPECT_LT(took, Milliseconds(450));
  }
}

// The dialogue went well, and then the handshake is as bad as any.
TEST_F(StartTlsTest, ACertificateBehindItIsJudgedAndADawdlingHandshakeIsItsPhase) {
  TestServer bad(loop, {.certificate = make_certificate({}), .before = dialogue({"S"}, false)}, listen_on);
  const Outcome untrusted = outcome_of(bad, "postgres");
  EXPECT_EQ(reason(untrusted), "tls_self_signed");
  EXPECT_EQ(bad.received(), "");
  TestServer silent(loop, [](TestConnection& c) { return stop_after(c, {"S"}, false, false); });
  const Outcome outcome = outcome_of(silent, "postgres", 100);
  EXPECT_EQ(reason(outcome), "tls_timeout");
  EXPECT_EQ(phase(outcome), "tls");
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
