// Handshakes that do not come to an end, or come to a bad one, and how long that takes; for tls and http alike.
#include <gmock/gmock.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include "tests/unit/probe/checks/tls_check_test.h"

namespace parallax {
namespace {

using testing::HasSubstr;

enum class Then { close, reset, wait };

// Hears the greeting, says `words` and does that.
Task<> say_and(TestConnection& connection, std::string words, Then then) {
  co_await connection.read_some();
  if (!words.empty()) co_await connection.send(std::move(words));
  if (then == Then::reset) connection.reset();
  if (then == Then::close) connection.close();
  for (int i = 0; then == Then::wait && i < 8; ++i) co_await connection.read_some();
}
Script say(std::string words, Then then) {
  return [words, then](TestConnection& c) { return say_and(c, words, then); };
}

// Says `start`, then `drop` every few milliseconds for ever.
Task<> drip_on(TestConnection& connection, std::string start, std::string drop) {
  co_await connection.read_some();
  bool there = co_await connection.send(std::move(start));
  while (there) {
    co_await sleep_until(in_ms(5));
    there = co_await connection.send(drop);
  }
}
Script drip(std::string start, std::string drop) {
  return [start, drop](TestConnection& c) { return drip_on(c, start, drop); };
}

// A record of TLS (RFC 8446 5.1) of this type around `content`.
std::string record(char type, const std::string& content) {
  const auto size = content.size();
  return std::string{type, 3, 3, static_cast<char>(size >> 8), static_cast<char>(size & 255)} + content;
}
const std::string kStartOfALongRecord("\x16\x03\x03\x40\x00", 5);
const std::string kHelloRequest = record(0x16, std::string(4, '\0'));
const std::string kGoodbye = record(0x15, std::string("\x01\x00", 2));
const std::string kRefusal = record(0x15, "\x02\x28");  // handshake_failure

// ServerHello of TLS 1.2: its certificate follows in the clear.
const std::string kOldHello =
    record(0x16, std::string("\x02\0\0\x26\x03\x03", 6) + std::string(32, 'r') + std::string("\0\xc0\x2b\0", 4));

// What a server answers to this greeting, up to the client's next word.
std::string flight_for(const std::string& greeting, const TestCertificate& certificate, int version) {
  const OpenSsl<ssl_ctx_st> context(SSL_CTX_new(TLS_server_method()));
  SSL_CTX_set_max_proto_version(context.get(), version);
  const OpenSsl<bio_st> cert_bio(BIO_new_mem_buf(certificate.cert_pem.data(), -1));
  const OpenSsl<bio_st> key_bio(BIO_new_mem_buf(certificate.key_pem.data(), -1));
  const OpenSsl<x509_st> leaf(PEM_read_bio_X509(cert_bio.get(), nullptr, nullptr, nullptr));
  const OpenSsl<evp_pkey_st> key(PEM_read_bio_PrivateKey(key_bio.get(), nullptr, nullptr, nullptr));
  SSL_CTX_use_certificate(context.get(), leaf.get());
  SSL_CTX_use_PrivateKey(context.get(), key.get());
  const OpenSsl<ssl_st> server(SSL_new(context.get()));
  BIO* in = BIO_new(BIO_s_mem());
  BIO* out = BIO_new(BIO_s_mem());
  SSL_set_bio(server.get(), in, out);
  BIO_write(in, greeting.data(), static_cast<int>(greeting.size()));
  SSL_accept(server.get());
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(out, &bytes);
  return {bytes, static_cast<std::size_t>(size)};
}

// Most of a good server's answer, and then that.
Task<> break_off_with(TestConnection& connection, TestCertificate certificate, int version, Then then) {
  co_await connection.read_some();
  std::string flight = flight_for(connection.received(), certificate, version);
  EXPECT_GT(flight.size(), 500U);
  flight.resize(flight.size() - 10);
  co_await connection.send(std::move(flight));
  if (then == Then::reset) co_await sleep_until(in_ms(20));  // so that it is read before the reset takes it away
  if (then == Then::reset) connection.reset();
  if (then == Then::close) connection.close();
  if (then == Then::wait) co_await connection.read_some();
}

class TlsHandshake : public TlsCheckTest {
 protected:
  proto::Check http_check(const TestServer& server) {
    proto::Check made;
    made.set_ip("any");
    made.mutable_http()->set_url("https://" + server.address() + "/");
    made.mutable_http()->mutable_tls()->set_ca_pem(ca.cert_pem);
    return made;
  }

  // What an http check and a tls check say of it, which is the same.
  std::string said_of(const TestServer& server, int timeout_ms = 5000) {
    const Outcome of_tls = run(check(server), timeout_ms);
    const Outcome of_http = run(http_check(server), timeout_ms);
    EXPECT_EQ(phase(of_tls), "tls");
    EXPECT_EQ(phase(of_http), "tls");
    EXPECT_EQ(of_tls.state, proto::STATE_DOWN);
    EXPECT_EQ(reason(of_http), reason(of_tls)) << of_http.detail << " / " << of_tls.detail;
    EXPECT_FALSE(of_http.facts.http().has_status());
    return reason(of_tls) + ": " + of_tls.detail;
  }
};

TEST_F(TlsHandshake, AnEndWithoutAnAlertIsClosedEarly) {
  for (const Then then : {Then::close, Then::reset}) {
    for (const std::string& words : {std::string(), kStartOfALongRecord, kStartOfALongRecord + "\x02"}) {
      TestServer server(loop, say(words, then));
      EXPECT_THAT(said_of(server), testing::StartsWith("closed_early: the server "));
    }
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
      const TestCertificate certificate = make_certificate({}, &ca);
      TestServer server(loop, [=](TestConnection& c) { return break_off_with(c, certificate, version, then); });
      EXPECT_THAT(said_of(server), testing::StartsWith("closed_early: the server ")) << version;
    }
  }
}

TEST_F(TlsHandshake, AlertsAndGarbageAreAFaultOfTheProtocol) {
  const struct {
    const char* words;
    std::string said;
  } kCases[] = {
      {"alert \"handshake failure\"", kRefusal},
      {"is not TLS", "SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"},
      {"is not TLS", "HTTP/1.1 400 Bad Request\r\n\r\n"},
      {"is not TLS", std::string("\x16\x03\x03\xff\xff", 5) + std::string(100, 'x')},
      {"handshake failed", record(0x16, std::string("\x02\x00\x00\x26", 4) + std::string(38, 'x'))},
      {"handshake failed", record(0x16, std::string("\x63\x00\x00\x01x", 5))},
      {"handshake failed", record(0x17, "application data")},
      {"handshake failed",
       kOldHello + record(0x16, std::string("\x0b\0\0\x0b\0\0\x08\0\0\x05", 10) + "\x30\x03xxx")},
  };
  for (const auto& one : kCases) {
    for (const Then then : {Then::close, Then::wait}) {
      TestServer server(loop, say(one.said, then));
      EXPECT_THAT(said_of(server), testing::AllOf(testing::StartsWith("tls_protocol: "), HasSubstr(one.words)))
          << one.said;
    }
  }
}

// Each for 100 ms, and not much longer: the time is told, and it is in the phase.
TEST_F(TlsHandshake, EndsAtItsDeadlineHoweverTheServerDawdles) {
  const TestCertificate certificate = make_certificate({}, &ca);
  const Script kDawdlers[] = {
      say("", Then::wait),
      say(kStartOfALongRecord, Then::wait),
      drip("", kHelloRequest),
      drip(kStartOfALongRecord, "x"),
      [=](TestConnection& c) { return break_off_with(c, certificate, TLS1_3_VERSION, Then::wait); },
  };
  for (const Script& dawdler : kDawdlers) {
    TestServer server(loop, dawdler);
    for (const auto& c : {check(server), http_check(server)}) {
      const Instant start = clock.now();
      const Outcome outcome = run(c, 100);
      const Nanoseconds took = clock.now() - start;
      EXPECT_EQ(reason(outcome), "tls_timeout") << (&dawdler - kDawdlers) << ": " << outcome.detail;
      EXPECT_EQ(phase(outcome), "tls");
      EXPECT_GE(*outcome.phases.of(proto::PHASE_TLS), Milliseconds(80));
      EXPECT_LE(*outcome.phases.of(proto::PHASE_TLS), took);
      EXPECT_LT(took, Milliseconds(350)) << (&dawdler - kDawdlers);
    }
  }
}

TEST_F(TlsHandshake, AnOldServerIsReadWhereMinVersionLetsIt) {
  const std::pair<const char*, int> kVersions[] = {{"1.0", TLS1_VERSION}, {"1.1", TLS1_1_VERSION}};
  for (const auto& [version, number] : kVersions) {
    TestServer old(loop, {.certificate = make_certificate({}, &ca), .max_version = number},
                   always(answer_of("hello")));
    EXPECT_THAT(said_of(old), testing::StartsWith("tls_protocol: "));
    auto c = check(old);
    auto h = http_check(old);
    c.mutable_tls()->mutable_tls()->set_min_version(version);
    h.mutable_http()->mutable_tls()->set_min_version(version);
    for (const Outcome& read : {run(c), run(h)}) {
      EXPECT_EQ(reason(read), "ok") << read.detail;
      EXPECT_EQ(read.facts.tls().version(), std::string("TLS ") + version);
      EXPECT_EQ(read.facts.tls().cipher(), "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA");
      EXPECT_TRUE(read.facts.tls().verified());
    }
    c.mutable_tls()->mutable_warn()->set_min_version("1.2");
    const Outcome warned = run(c);
    EXPECT_EQ(warned.state, proto::STATE_DEGRADED);
    EXPECT_EQ(reason(warned), "weak");
    c.mutable_tls()->mutable_expect()->set_min_version("1.2");
    const Outcome ruled = run(c);
    EXPECT_EQ(ruled.state, proto::STATE_DOWN);
    EXPECT_EQ(reason(ruled) + phase(ruled), "weak") << "a rule failed: no phase";
  }
}

TEST_F(TlsHandshake, OffersNothingNewerThanMaxVersion) {
  TestServer server = serve(make_certificate({}, &ca));
  auto c = check(server);
  c.mutable_tls()->mutable_tls()->set_max_version("1.2");
  EXPECT_EQ(run(c).facts.tls().version(), "TLS 1.2");
  c.mutable_tls()->mutable_tls()->set_max_version("");
  EXPECT_EQ(run(c).facts.tls().version(), "TLS 1.3");
}

}  // namespace
}  // namespace parallax
