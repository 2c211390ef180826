// A certificate's bytes are the server's to choose. From the handshake through the probe's result and its JSON to
// the controller's page: whatever they are, what we write stays well-formed and forges nothing.
#include <gtest/gtest.h>
#include <openssl/x509v3.h>

#include <boost/json/parse.hpp>
#include <sstream>

#include "base/utf8.h"
#include "probe/bounded_result.h"
#include "probe/by_hand_json.h"
#include "probe/finished_run.h"
#include "tests/unit/across/controller_pages.h"
#include "tests/unit/probe/checks/tls_check_test.h"

namespace parallax {
namespace {

constexpr unsigned char kDns = 0x82, kMail = 0x81, kUri = 0x86, kAddress = 0x87;

// Whether `line` is a sample: a name, labels in braces with \\, \" and \n escaped and nothing else, a number.
bool is_sample(const std::string& line) {
  std::size_t at = 0;
  const auto skip_name = [&] {
    const std::size_t from = at;
    while (at < line.size() && (std::isalnum(static_cast<unsigned char>(line[at])) || line[at] == '_')) ++at;
    return at > from;
  };
  const auto skip = [&](char c) { return at < line.size() && line[at] == c && ++at; };
  if (!skip_name()) return false;
  if (skip('{')) {
    do {
      if (!skip_name() || !skip('=') || !skip('"')) return false;
      for (; at < line.size() && line[at] != '"'; ++at)
        if (line[at] == '\\' && (++at >= line.size() || std::string("\\\"n").find(line[at]) == std::string::npos))
          return false;
      if (!skip('"')) return false;
    } while (skip(','));
    if (!skip('}')) return false;
  }
  if (!skip(' ')) return false;
  std::size_t end = 0;
  std::stod(line.substr(at), &end);
  return at + end == line.size();
}

std::function<void(X509*)> subject_of(int type, const std::string& bytes) {
  return [=](X509* made) {
    X509_NAME* name = X509_get_subject_name(made);
    while (X509_NAME_entry_count(name) > 0) X509_NAME_ENTRY_free(X509_NAME_delete_entry(name, 0));
    X509_NAME_add_entry_by_NID(name, NID_organizationName, type,
                               reinterpret_cast<const unsigned char*>(bytes.data()),
                               static_cast<int>(bytes.size()), -1, 0);
    X509_NAME_add_entry_by_NID(name, NID_commonName, type, reinterpret_cast<const unsigned char*>(bytes.data()),
                               static_cast<int>(bytes.size()), -1, 0);
  };
}

std::function<void(X509*)> names_of(std::vector<RawName> names) {
  return [names](X509* made) { set_raw_names(made, names); };
}

CertificateWish with(std::function<void(X509*)> hostile) {
  CertificateWish wish;
  wish.sans.clear();
  wish.also = std::move(hostile);
  return wish;
}

// One of each kind of trouble, with a word for people. (A text that its own type cannot hold, as a UTF8String of
// other bytes, is no certificate to OpenSSL: that is garbage within a handshake.)
std::vector<std::pair<std::string, CertificateWish>> hostile_wishes() {
  const std::string forged = "x\"} 1\nforged_metric 1\n# EOF\n\\\r\x1b[31m";
  const std::string no_utf8 = "\xff\xfe\xc3\x28\xed\xa0\x80\xc0\x80";
  const std::string with_nul("shop.example\0.evil.example", 26);
  const std::string wide("\x20\x28\0\n\0\"\0\\", 8);  // U+2028, a line end, a quote, a backslash
  std::vector<std::pair<std::string, CertificateWish>> all = {
      {"UTF8String that forges", with(subject_of(V_ASN1_UTF8STRING, forged))},
      {"PrintableString of any bytes", with(subject_of(V_ASN1_PRINTABLESTRING, forged + no_utf8))},
      {"T61String of any bytes", with(subject_of(V_ASN1_T61STRING, forged + no_utf8))},
      {"a NUL within", with(subject_of(V_ASN1_UTF8STRING, with_nul))},
      {"BMPString", with(subject_of(V_ASN1_BMPSTRING, wide))},
      {"BMPString of odd length", with(subject_of(V_ASN1_BMPSTRING, wide + "x"))},
      {"UniversalString", with(subject_of(V_ASN1_UNIVERSALSTRING, std::string("\0\1\xf6\0\0\0\0\n", 8)))},
      {"UniversalString of odd length", with(subject_of(V_ASN1_UNIVERSALSTRING, "odd"))},
      {"an octet string for a name", with(subject_of(V_ASN1_OCTET_STRING, no_utf8))},
      {"a subject of 60 KiB", with(subject_of(V_ASN1_UTF8STRING, std::string(30'000, '"')))},
      {"names that forge", with(names_of({{kDns, forged}, {kMail, forged}, {kUri, forged}, {kAddress, forged}}))},
      {"names that are no UTF-8", with(names_of({{kDns, no_utf8}, {kUri, no_utf8}, {kAddress, "xyz"}}))},
      {"names with NULs", with(names_of({{kDns, with_nul}, {kDns, std::string(4, '\0')}, {kDns, ""}}))},
      {"a list of 64 KiB", with(names_of(std::vector<RawName>(900, {kDns, std::string(70, '\n')})))},
      {"a list of thousands", with(names_of(std::vector<RawName>(15'000, {kDns, "\xc3"})))},
      {"one name of 64 KiB", with(names_of({{kDns, std::string(65'000, '\xc3')}}))},
      {"no subject and no names", with([](X509* made) {
         X509_NAME* name = X509_get_subject_name(made);
         while (X509_NAME_entry_count(name) > 0) X509_NAME_ENTRY_free(X509_NAME_delete_entry(name, 0));
       })},
      {"dates that are none", with([](X509* made) {
         ASN1_STRING_set(X509_getm_notAfter(made), "\n\"not a date\xff", -1);
         ASN1_STRING_set(X509_getm_notBefore(made), "", 0);
       })},
  };
  return all;
}

class HostileCertificates : public TlsCheckTest {
 protected:
  // What the probe would send of it.
  proto::RunResult result_of(const proto::Check& made) {
    FinishedRun finished{run(made), clock.wall(), Milliseconds(5), 1};
    proto::RunResult result = to_result(made, std::move(finished));
    by_hand = to_json(made, result);
    bound(result);
    return result;
  }
  proto::Check http_check(const TestServer& server) {
    proto::Check made;
    made.set_ip("any");
    made.mutable_http()->set_url(server.url());
    made.mutable_http()->mutable_tls()->set_ca_pem(ca.cert_pem);
    return made;
  }

  void expect_sound_pages(const proto::RunResult& sent, const std::string& what) {
    const ControllerPages pages = pages_after(sent);
    ASSERT_TRUE(pages.was_counted) << what;
    expect_sound(pages.text, what);
    expect_sound(pages.open_metrics, what);
    boost::json::error_code error;
    boost::json::parse(pages.state, error);
    EXPECT_FALSE(error) << what << ": " << error.message();
  }

  static void expect_sound(const std::string& page, const std::string& what) {
    EXPECT_TRUE(is_utf8(page)) << what;
    std::istringstream lines(page);
    int positions = 0, samples = 0;
    for (std::string line; std::getline(lines, line);) {
      EXPECT_LT(line.size(), 8000U) << what;
      EXPECT_FALSE(line.starts_with("forged")) << what;
      positions += line.starts_with("parallax_tls_certificate_expiry_timestamp_seconds{");
      if (line.starts_with("# ")) continue;
      EXPECT_TRUE(is_sample(line)) << what << ": " << line.substr(0, 300);
      ++samples;
    }
    EXPECT_GT(samples, 50);
    // The leaf and its issuer. A result that is too large keeps no facts (bounded_result.h).
    const int expected = what == "dates that are none" ? 1 : what == "a subject of 60 KiB" ? 0 : 2;
    EXPECT_EQ(positions, expected) << what;
  }

  std::string by_hand;
};

TEST_F(HostileCertificates, LeaveResultsJsonAndPagesWellFormed) {
  for (const auto& [what, wish] : hostile_wishes()) {
    TestServer server(loop, {.certificate = make_certificate(wish, &ca), .chain_pem = ca.cert_pem}, listen_on);
    for (const auto& made : {check(server), http_check(server)}) {
      const proto::RunResult result = result_of(made);
      EXPECT_EQ(result.state(), proto::STATE_DOWN) << what << ": it is not for 127.0.0.1";
      EXPECT_LE(result.ByteSizeLong(), 64U * 1024) << what;
      EXPECT_LE(result.detail().size(), 1000U) << what;
      boost::json::error_code error;
      const auto json = boost::json::parse(by_hand, error);
      ASSERT_FALSE(error) << what << ": " << error.message();
      EXPECT_TRUE(json.at("facts").at("tls").at("certificates").is_array()) << what;
      expect_sound_pages(result, what);
    }
    EXPECT_EQ(server.received(), "");
  }
}

// An authority's name is the server's to choose, too: it is the issuer's label, and stands in the detail.
TEST_F(HostileCertificates, OfAHostileAuthorityAreNoDifferent) {
  for (const auto& [what, wish] : hostile_wishes()) {
    CertificateWish authority = wish;
    authority.is_authority = true;
    const TestCertificate signer = make_certificate(authority, &ca);
    TestServer server(loop, {.certificate = make_certificate({}, &signer), .chain_pem = signer.cert_pem},
                      listen_on);
    const proto::RunResult result = result_of(check(server));
    EXPECT_LE(result.ByteSizeLong(), 64U * 1024) << what;
    boost::json::error_code error;
    boost::json::parse(by_hand, error);
    EXPECT_FALSE(error) << what << ": " << error.message();
    expect_sound_pages(result, what);
  }
}

TEST_F(HostileCertificates, ADateThatIsNoneIsAbsentAndNotTheYear1970) {
  const TestCertificate leaf = make_certificate(hostile_wishes().back().second, &ca);
  TestServer server = serve(leaf);
  auto made = check(server);
  EXPECT_EQ(reason(run(made)), "tls_untrusted");
  made.mutable_tls()->mutable_tls()->set_verify(false);
  const proto::RunResult result = result_of(made);
  EXPECT_FALSE(result.facts().tls().has_earliest_expiry());
  EXPECT_FALSE(result.facts().tls().certificates(0).has_not_after());
  EXPECT_EQ(by_hand.find("1970"), std::string::npos) << by_hand;
  made.mutable_tls()->mutable_expect()->set_expires_in_ms(1);
  EXPECT_EQ(reason(run(made)), "expires_soon");
}

}  // namespace
}  // namespace parallax
