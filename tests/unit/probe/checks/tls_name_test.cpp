// Whether a certificate is for the name that was asked for (RFC 9525).
#include <gmock/gmock.h>
#include <openssl/ssl.h>

#include "tests/unit/probe/checks/tls_check_test.h"

namespace parallax {
namespace {

using testing::HasSubstr;

// Keeps the name that a client sends.
int note_name(SSL* connection, int*, void* to) {
  const char* name = SSL_get_servername(connection, TLSEXT_NAMETYPE_host_name);
  *static_cast<std::string*>(to) = name ? name : "none";
  return SSL_TLSEXT_ERR_OK;
}

class TlsNames : public TlsCheckTest {
 protected:
  // Empty: as its address.
  Outcome asked_as(const TestServer& server, const std::string& name) {
    auto c = check(server);
    c.mutable_tls()->mutable_tls()->set_server_name(name);
    return run(c);
  }
};

TEST_F(TlsNames, NeverTakesTheCommonNameForAName) {
  const Outcome outcome = outcome_of(make_certificate({.common_name = "127.0.0.1", .sans = {}}, &ca));
  EXPECT_EQ(reason(outcome), "tls_name_mismatch") << outcome.detail;
}

TEST_F(TlsNames, LooksForTheServerNameThatTheDefinitionNames) {
  TestServer server = serve(make_certificate({}, &ca));
  auto c = check(server);
  c.mutable_tls()->mutable_tls()->set_server_name("shop.example");
  EXPECT_EQ(reason(run(c)), "ok");
  c.mutable_tls()->mutable_tls()->set_server_name("crm.example");
  const Outcome outcome = run(c);
  EXPECT_EQ(reason(outcome), "tls_name_mismatch");
  EXPECT_EQ(outcome.facts.tls().verify_error(), "hostname mismatch");
}

TEST_F(TlsNames, DoesNotTakeACommonNameForADnsNameEither) {
  TestServer server = serve(make_certificate({.common_name = "shop.example", .sans = {"DNS:crm.example"}}, &ca));
  const Outcome outcome = asked_as(server, "shop.example");
  EXPECT_EQ(reason(outcome), "tls_name_mismatch");
  EXPECT_THAT(outcome.detail, HasSubstr("is for crm.example, not for shop.example"));
}

TEST_F(TlsNames, AWildcardStandsForOneLabelAndAWholeOne) {
  TestServer server = serve(make_certificate({.sans = {"DNS:*.shop.example", "DNS:a*.crm.example"}}, &ca));
  const struct {
    const char* name;
    const char* reason;
  } kCases[] = {
      {"api.shop.example", "ok"},
      {"API.Shop.Example", "ok"},
      {"api.shop.example.", "ok"},
      {"a.b.shop.example", "tls_name_mismatch"},
      {"shop.example", "tls_name_mismatch"},
      {"apishop.example", "tls_name_mismatch"},
      {"*.b.shop.example", "tls_name_mismatch"},
      {"api.crm.example", "tls_name_mismatch"},
  };
  for (const auto& one : kCases) {
    const Outcome outcome = asked_as(server, one.name);
    EXPECT_EQ(reason(outcome), one.reason) << one.name << ": " << outcome.detail;
    EXPECT_EQ(outcome.facts.tls().certificates(0).sans(0), "*.shop.example");
  }
}

TEST_F(TlsNames, AnAddressIsLookedForAmongAddressesOnly) {
  TestServer server = serve(make_certificate({.sans = {"IP:127.0.0.1", "IP:2001:db8::7", "DNS:192.0.2.1"}}, &ca));
  const struct {
    const char* name;
    const char* reason;
  } kCases[] = {
      {"", "ok"},  // the address of the definition
      {"2001:db8::7", "ok"},
      {"2001:DB8:0:0::7", "ok"},
      {"2001:db8::8", "tls_name_mismatch"},
      {"127.0.0.2", "tls_name_mismatch"},
      {"192.0.2.1", "tls_name_mismatch"},
      {"shop.example", "tls_name_mismatch"},
  };
  for (const auto& one : kCases) {
    const Outcome outcome = asked_as(server, one.name);
    EXPECT_EQ(reason(outcome), one.reason) << one.name << ": " << outcome.detail;
    EXPECT_THAT(outcome.facts.tls().certificates(0).sans(),
                testing::ElementsAre("IP:127.0.0.1", "IP:2001:db8::7", "192.0.2.1"));
  }
}

TEST_F(TlsNames, ShowsUrisAndMailAddressesForWhatTheyAre) {
  const Outcome outcome = outcome_of(
      make_certificate({.sans = {"IP:127.0.0.1", "URI:spiffe://example/shop", "email:shop@shop.example"}}, &ca));
  EXPECT_EQ(reason(outcome), "ok") << outcome.detail;
  EXPECT_THAT(outcome.facts.tls().certificates(0).sans(),
              testing::ElementsAre("IP:127.0.0.1", "URI:spiffe://example/shop", "email:shop@shop.example"));
}

TEST_F(TlsNames, FindsTheLastOfAHundredAndOfAThousand) {
  for (const int count : {100, 1000}) {
    CertificateWish wish{.sans = {}};
    for (int i = 1; i <= count; ++i) wish.sans.push_back("DNS:host-" + std::to_string(i) + ".shop.example");
    TestServer server = serve(make_certificate(wish, &ca));
    const std::string last = "host-" + std::to_string(count) + ".shop.example";
    auto c = check(server);
    c.mutable_tls()->mutable_tls()->set_server_name(last);
    c.mutable_tls()->mutable_expect()->add_san_includes(last);
    const Outcome found = run(c);
    EXPECT_EQ(reason(found), "ok") << found.detail.substr(0, 200);
    EXPECT_EQ(found.facts.tls().certificates(0).sans_size(), count);
    const Outcome missed = asked_as(server, "host-0.shop.example");
    EXPECT_EQ(reason(missed), "tls_name_mismatch");
    EXPECT_THAT(missed.detail,
                HasSubstr("is for host-1.shop.example, host-2.shop.example, host-3.shop.example and " +
                          std::to_string(count - 3) + " more, not for host-0.shop.example"));
  }
}

TEST_F(TlsNames, ANameWithANulInItIsNeitherOfItsParts) {
  const std::string name("shop.example\0.evil.example", 26);
  TestServer server =
      serve(make_certificate({.sans = {}, .also = [&](X509* made) { set_raw_names(made, {{0x82, name}}); }}, &ca));
  for (const char* asked : {"shop.example", "evil.example", "x.evil.example"})
    EXPECT_EQ(reason(asked_as(server, asked)), "tls_name_mismatch") << asked;
  EXPECT_EQ(asked_as(server, "shop.example").facts.tls().certificates(0).sans(0), name);
}

TEST_F(TlsNames, SendsTheNameAsRfc6066HasItAndNoAddress) {
  std::string sent;
  TestServer server(loop,
                    {.certificate = make_certificate({}, &ca),
                     .also =
                         [&](SSL_CTX* context) {
                           SSL_CTX_set_tlsext_servername_callback(context, &note_name);
                           SSL_CTX_set_tlsext_servername_arg(context, &sent);
                         }},
                    listen_on);
  EXPECT_EQ(reason(asked_as(server, "shop.example.")), "ok");
  EXPECT_EQ(sent, "shop.example") << "without the dot at its end";
  EXPECT_EQ(reason(asked_as(server, "")), "ok");
  EXPECT_EQ(sent, "none");
}

}  // namespace
}  // namespace parallax
