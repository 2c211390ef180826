// The keys that say how connections are made, as people write them and as the probe reads them.
#include <gtest/gtest.h>

#include "definitions/definitions.h"
#include "tests/unit/definitions/folder.h"

namespace parallax {
namespace {

proto::Check check_of(const std::string& table) {
  const Folder folder;
  folder.write("locations.toml", kThreeLocations);
  folder.write("shop.toml", "[service]\nname = \"shop\"\n" + table);
  const Loaded loaded = load_definitions(folder.path());
  for (const Problem& problem : loaded.problems) ADD_FAILURE() << to_text(problem);
  return loaded.definitions ? loaded.definitions->checks.at(0).check : proto::Check();
}

proto::Check http_with(const std::string& keys) {
  return check_of("[[http]]\nname = \"health\"\nurl = \"https://shop.example/\"\n" + keys);
}

TEST(RouteKeys, HaveTheirDefaults) {
  const proto::Check check = http_with("");
  EXPECT_EQ(check.addresses(), "first");
  EXPECT_EQ(check.resolver(), "");
  EXPECT_EQ(check.source(), "");
  EXPECT_EQ(check.http().proxy(), "");
}

TEST(RouteKeys, AreBroughtIntoTheirNormalForm) {
  EXPECT_EQ(http_with("resolver = \"192.0.2.53\"").resolver(), "192.0.2.53:53");
  EXPECT_EQ(http_with("resolver = \"192.0.2.53:5353\"").resolver(), "192.0.2.53:5353");
  EXPECT_EQ(http_with("resolver = \"2001:db8::53\"").resolver(), "[2001:db8::53]:53");
  for (const char* source : {"192.0.2.8", "2001:db8::8", "eth1", "br-lan.7"})
    EXPECT_EQ(http_with(std::string("source = \"") + source + "\"").source(), source);
  EXPECT_EQ(http_with("proxy = \"http://proxy.example:8080/\"").http().proxy(), "proxy.example:8080");
  EXPECT_EQ(
      http_with("proxy = \"proxy.example\"\nno_proxy = [\".crm.example\", \"10.0.0.0/8\", \"*\"]").http().proxy(),
      "proxy.example:3128");
}

TEST(RouteKeys, SignedAndEncryptedRequestsAreTaken) {
  const proto::Check http = http_with(
      "addresses = \"each\"\ntls = { ciphers = [\"TLS_AES_128_GCM_SHA256\"] }\n"
      "aws_sigv4 = { region = \"eu-central-1\", service = \"execute-api\", access_key = { env = \"A\" }, "
      "secret_key = { file = \"s\" } }");
  EXPECT_EQ(http.addresses(), "each");
  EXPECT_EQ(http.http().aws_sigv4().secret_key().file(), "s");
  const proto::Check tls = check_of(
      "[[tls]]\nname = \"mail\"\naddress = \"mail.example:587\"\nstarttls = \"smtp\"\nexpect = { ocsp_stapled = "
      "true }");
  EXPECT_EQ(tls.tls().starttls(), "smtp");
  EXPECT_TRUE(tls.tls().expect().ocsp_stapled());
}

}  // namespace
}  // namespace parallax
