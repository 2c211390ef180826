#include "probe/doctor_certificate.h"

#include <gmock/gmock.h>

#include "tests/unit/made_certificates.h"

namespace parallax {
namespace {

using std::chrono::hours;
using ::testing::HasSubstr;
using State = Finding::State;

constexpr auto kDay = hours(24);
const WallTime kNow = from_unix_us(1'767'225'600'000'000);  // 2026-01-01
const std::string kName = "URI:spiffe://parallax/location/eu-1a/probe/edge-7";

class OwnCertificate : public ::testing::Test {
 protected:
  OwnCertificate() {
    folder.write("ca.crt", authority.pem());
    settings.set_ca_file(folder / "ca.crt");
    settings.set_cert_file(folder / "probe.crt");
    settings.set_key_file(folder / "probe.key");
  }

  void write(const testing::MadeCertificate& made) {
    folder.write("probe.crt", made.certificate);
    folder.write("probe.key", made.key);
  }
  testing::MadeCertificate signed_for(const std::string& names, WallTime until = kNow + 90 * kDay) {
    return authority.sign({"edge-7", names, kNow - kDay, until});
  }
  Finding found() { return certificate_finding(settings, kNow, "parallax"); }

  // The command that asks for a new certificate with the name of the old one.
  std::string asks(const std::string& with_key) {
    return "openssl req -new " + with_key + " -subj /CN=edge-7 -addext " +
           "subjectAltName=URI:spiffe://parallax/location/eu-1a/probe/edge-7 -out " + (folder / "probe.crt.csr");
  }
  std::string asks_with_its_key() { return asks("-key " + (folder / "probe.key")); }
  std::string asks_with_a_new_key() {
    return asks("-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout " + (folder / "probe.key"));
  }

  testing::TemporaryFolder folder;
  testing::MadeAuthority authority{"Test CA", kNow};
  proto::ProbeSettings settings;
};

TEST_F(OwnCertificate, SaysWhomItNamesAndUntilWhen) {
  write(signed_for(kName));
  const auto finding = found();
  EXPECT_EQ(finding.state, State::ok);
  EXPECT_EQ(finding.detail,
            "probe edge-7 at location eu-1a (trust domain parallax), signed by CN=Test CA; ends in 90 days "
            "(2026-04-01T00:00:00Z)");
  EXPECT_EQ(finding.remedy, "");
}

TEST_F(OwnCertificate, WarnsDaysBeforeItEnds) {
  write(signed_for(kName, kNow + 3 * kDay));
  EXPECT_EQ(found().state, State::warning);
  EXPECT_EQ(found().remedy, asks_with_its_key()) << "the key that works is not touched";
}

TEST_F(OwnCertificate, SaysWhatIsWrongAndAsksForANewOneOfTheSameName) {
  write(signed_for(kName, kNow - hours(1)));
  EXPECT_EQ(found().state, State::trouble);
  EXPECT_THAT(found().detail, HasSubstr("expired 60 min ago"));
  EXPECT_EQ(found().remedy, asks_with_its_key());

  write(testing::MadeAuthority("Other CA", kNow).sign({"edge-7", kName, kNow - kDay, kNow + kDay * 9}));
  EXPECT_THAT(found().detail, HasSubstr("was not signed by an authority in"));
  EXPECT_EQ(found().remedy, asks_with_its_key());

  write(signed_for(kName + "," + kName + "-again"));
  EXPECT_THAT(found().detail, HasSubstr("2 URI names"));
  EXPECT_EQ(found().remedy, asks_with_its_key());
}

TEST_F(OwnCertificate, LeavesTheNameToTheReaderWhereItKnowsNone) {
  write(signed_for("DNS:edge-7"));
  EXPECT_EQ(found().state, State::trouble);
  EXPECT_THAT(found().remedy, HasSubstr("URI:spiffe://parallax/location/LOCATION/probe/NAME "));
  write(signed_for("URI:spiffe://parallax/probe/edge-7"));
  EXPECT_THAT(found().detail, HasSubstr("spiffe://parallax/probe/edge-7, which is not as"));
}

TEST_F(OwnCertificate, OfTheFutureIsAMatterOfTheClock) {
  write(authority.sign({"edge-7", kName, kNow + kDay, kNow + 2 * kDay}));
  EXPECT_EQ(found().state, State::trouble);
  EXPECT_EQ(found().remedy, "timedatectl");
}

TEST_F(OwnCertificate, AKeyThatIsMissingOrNoKeyIsMadeAnew) {
  write(signed_for(kName));
  folder.write("probe.key", "no key");
  EXPECT_EQ(found().state, State::trouble);
  EXPECT_EQ(found().remedy, asks_with_a_new_key());
  std::filesystem::remove(folder / "probe.key");
  EXPECT_THAT(found().detail, HasSubstr("key_file " + (folder / "probe.key") + " is not there"));
  EXPECT_EQ(found().remedy, asks_with_a_new_key());
  folder.write("probe.key", signed_for(kName).key);
  EXPECT_THAT(found().detail, HasSubstr("is not that of the certificate"));
  EXPECT_EQ(found().remedy, asks_with_its_key());
}

TEST_F(OwnCertificate, WithoutAnAuthorityThereIsOneToPutThere) {
  write(signed_for(kName));
  folder.write("ca.crt", "nothing");
  EXPECT_EQ(found().state, State::trouble);
  EXPECT_EQ(found().remedy, "install -m 0644 AUTHORITY.crt " + (folder / "ca.crt"));
}

TEST(SpiffeNames, HaveOneForm) {
  const auto name = spiffe_name_from("spiffe://parallax.example/location/eu-1a/probe/edge-7");
  ASSERT_TRUE(name);
  EXPECT_EQ(name->trust_domain + " " + name->location + " " + name->probe, "parallax.example eu-1a edge-7");
  for (const char* text :
       {"", "spiffe://", "spiffe://p/location/l/probe", "spiffe://p/location/l/probe/",
        "spiffe://p/location/l/probe/n/m", "spiffe://p/zone/l/probe/n", "spiffe://p/location//probe/n",
        "spiffe://p/location/l/probe/$(reboot)", "https://p/location/l/probe/n"})
    EXPECT_FALSE(spiffe_name_from(text)) << text;
}

}  // namespace
}  // namespace parallax
