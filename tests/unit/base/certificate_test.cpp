#include "base/certificate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/made_certificates.h"

namespace parallax {
namespace {

using std::chrono::hours;
using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::MadeAuthority;
using testing::MadeCertificate;
using testing::TemporaryFolder;

const WallTime kNow = from_unix_us(1'767'225'600'000'000);  // 2026-01-01T00:00:00Z
constexpr const char* kProbe = "URI:spiffe://parallax/location/eu-1a/probe/edge-7";

class CertificateTest : public ::testing::Test {
 protected:
  void write(const MadeCertificate& made) const {
    folder.write("probe.crt", made.certificate);
    folder.write("probe.key", made.key);
    folder.write("ca.crt", authority.pem());
  }
  Result<CertificateSummary> check(WallTime now = kNow) const {
    return check_own_files(folder / "probe.crt", folder / "probe.key", folder / "ca.crt", CertificateRole::client,
                           now);
  }

  TemporaryFolder folder;
  MadeAuthority authority{"Test CA", kNow};
};

TEST_F(CertificateTest, IsReadAndFoundGood) {
  write(authority.sign({"edge-7", kProbe, kNow - hours(1), kNow + hours(1)}));
  const auto found = check();
  ASSERT_TRUE(found.has_value()) << found.error().what;
  EXPECT_EQ(found->subject, "CN=edge-7");
  EXPECT_EQ(found->issuer, "CN=Test CA");
  EXPECT_EQ(found->not_after, kNow + hours(1));
  const auto name = only_spiffe_name(*found, "");
  ASSERT_TRUE(name.has_value());
  EXPECT_EQ(*name, "spiffe://parallax/location/eu-1a/probe/edge-7");
}

TEST_F(CertificateTest, SaysSinceWhenItIsExpired) {
  write(authority.sign({"edge-7", kProbe, kNow - hours(100), kNow - hours(72)}));
  const auto found = check();
  ASSERT_FALSE(found.has_value());
  EXPECT_EQ(found.error().what,
            "certificate " + (folder / "probe.crt") + " expired 3 days ago (2025-12-29T00:00:00Z); renew it");
}

TEST_F(CertificateTest, SaysFromWhenItIsValid) {
  write(authority.sign({"edge-7", kProbe, kNow + hours(1), kNow + hours(2)}));
  const auto found = check();
  ASSERT_FALSE(found.has_value());
  EXPECT_THAT(found.error().what, HasSubstr("is not valid before 2026-01-01T01:00:00Z"));
}

TEST_F(CertificateTest, OfAnotherAuthorityIsRefusedEvenUnderTheSameName) {
  const MadeAuthority other("Test CA", kNow);
  write(other.sign({"edge-7", kProbe, kNow - hours(1), kNow + hours(1)}));
  const auto found = check();
  ASSERT_FALSE(found.has_value());
  EXPECT_THAT(found.error().what, AllOf(HasSubstr("was not signed by an authority in " + (folder / "ca.crt")),
                                        HasSubstr("CN=Test CA")));
}

TEST_F(CertificateTest, SaysThatTheKeyIsOfAnother) {
  const auto one = authority.sign({"edge-7", kProbe, kNow - hours(1), kNow + hours(1)});
  const auto two = authority.sign({"edge-7", kProbe, kNow - hours(1), kNow + hours(1)});
  write({one.certificate, two.key});
  const auto found = check();
  ASSERT_FALSE(found.has_value());
  EXPECT_THAT(found.error().what, HasSubstr("is not that of the certificate in"));
}

TEST_F(CertificateTest, SaysWhichFileIsMissingOrNotPem) {
  write(authority.sign({"edge-7", kProbe, kNow - hours(1), kNow + hours(1)}));
  EXPECT_THAT(check_own_files(folder / "none.crt", folder / "probe.key", kNow).error().what,
              AllOf(HasSubstr("none.crt"), HasSubstr("No such file")));
  folder.write("ca.crt", "garbage");
  EXPECT_THAT(check().error().what, HasSubstr("ca.crt holds no certificate in PEM"));
  folder.write("probe.key", "garbage");
  EXPECT_THAT(check().error().what, HasSubstr("probe.key holds no private key in PEM"));
}

TEST_F(CertificateTest, NeedsExactlyOneSpiffeName) {
  const auto names = [&](const char* alternative) {
    const auto made = authority.sign({"edge-7", alternative, kNow - hours(1), kNow + hours(1)});
    return only_spiffe_name(*summarize_certificate(made.certificate, "it"), "").error().what;
  };
  EXPECT_THAT(names(""), HasSubstr("certificate CN=edge-7 has no URI name"));
  EXPECT_THAT(names("DNS:edge-7"), HasSubstr("has no URI name"));
  EXPECT_THAT(names("URI:spiffe://a/b,URI:spiffe://a/c"),
              HasSubstr("has 2 URI names (spiffe://a/b, spiffe://a/c)"));
  EXPECT_THAT(names("URI:https://a/b"), HasSubstr("which is not a SPIFFE name"));
}

}  // namespace
}  // namespace parallax
