#include "definitions/definitions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/definitions/folder.h"

namespace parallax {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

constexpr const char* kShop = R"([service]
name = "shop"
[[http]]
name = "health"
url = "https://shop.example/"
)";

// Every problem on a line of its own, files named relative to `folder`.
std::string all_texts(const Loaded& loaded, const std::filesystem::path& folder = {}) {
  std::string text;
  for (Problem problem : loaded.problems) {
    if (!folder.empty()) problem.file = std::filesystem::path(problem.file).lexically_relative(folder).string();
    text += to_text(problem) + "\n";
  }
  return text;
}

// The checks of one file beside three locations; no problem is expected.
std::vector<DefinedCheck> checks_of(const std::string& shop) {
  const Folder folder;
  folder.write("locations.toml", kThreeLocations);
  folder.write("shop.toml", shop);
  const Loaded loaded = load_definitions(folder.path());
  EXPECT_EQ(all_texts(loaded), "");
  return loaded.definitions ? loaded.definitions->checks : std::vector<DefinedCheck>{};
}

std::string problems_of(const std::string& shop) {
  const Folder folder;
  folder.write("locations.toml", kThreeLocations);
  folder.write("shop.toml", shop);
  return all_texts(load_definitions(folder.path()), folder.path());
}

TEST(LoadDefinitions, TakesTheSampleShopAsItIs) {
  const Loaded loaded = load_definitions(std::filesystem::path(SOURCE_DIR) / "checks");
  EXPECT_EQ(all_texts(loaded), "");
  ASSERT_TRUE(loaded.definitions.has_value());
  EXPECT_GE(loaded.definitions->checks.size(), 9U);
  EXPECT_THAT(loaded.definitions->checks.front().locations, ElementsAre("eu-1a", "eu-1b", "eu-1c"));
}

TEST(LoadDefinitions, FillsInEveryDefault) {
  const auto checks = checks_of(kShop);
  ASSERT_EQ(checks.size(), 1U);
  const proto::Check& check = checks[0].check;
  EXPECT_EQ(check.id(), "shop/health");
  EXPECT_EQ(check.service(), "shop");
  EXPECT_EQ(check.target(), "https://shop.example/");
  EXPECT_EQ(check.every_ms(), 60'000);
  EXPECT_EQ(check.timeout_ms(), 10'000);
  EXPECT_EQ(check.attempts(), 1U);
  EXPECT_EQ(check.up_when(), "majority");
  EXPECT_EQ(check.ip(), "any");
  EXPECT_TRUE(check.enabled());
  EXPECT_TRUE(check.counts());
  EXPECT_EQ(check.http().method(), "GET");
  EXPECT_EQ(check.http().follow_redirects(), 10U);
  EXPECT_EQ(check.http().max_body_bytes(), 1 << 20);
  EXPECT_EQ(check.http().tls().min_version(), "1.2");
  ASSERT_EQ(check.http().expect().status_size(), 1);
  EXPECT_EQ(check.http().expect().status(0).from(), 200);
  EXPECT_EQ(check.http().expect().status(0).to(), 299);
  EXPECT_FALSE(check.http().has_warn());
  EXPECT_THAT(checks[0].locations, ElementsAre("eu-1a", "eu-1b", "office"));
}

TEST(LoadDefinitions, KeepsWhatIsWrittenAsZero) {
  const auto checks = checks_of(std::string(kShop) + "follow_redirects = 0\nenabled = false\nmax_body = 0\n");
  ASSERT_EQ(checks.size(), 1U);
  EXPECT_TRUE(checks[0].check.http().has_follow_redirects());
  EXPECT_EQ(checks[0].check.http().follow_redirects(), 0U);
  EXPECT_FALSE(checks[0].check.enabled());
}

TEST(LoadDefinitions, TakesTheTimeoutFromAShortInterval) {
  const auto checks = checks_of(std::string(kShop) + "every = \"3s\"\n");
  ASSERT_EQ(checks.size(), 1U);
  EXPECT_EQ(checks[0].check.timeout_ms(), 3000);
}

TEST(LoadDefinitions, LetsACheckOverrideTheDefaultsOfItsFile) {
  const auto checks = checks_of(R"([service]
name = "shop"
[defaults]
every = "15s"
locations = ["eu-*"]
[[ping]]
name = "edge"
host = "2001:db8::1"
[[ping]]
name = "far"
host = "[2001:db8::2]"
every = "30s"
locations = ["office", "eu-1?"]
)");
  ASSERT_EQ(checks.size(), 2U);
  EXPECT_EQ(checks[0].check.every_ms(), 15'000);
  EXPECT_THAT(checks[0].locations, ElementsAre("eu-1a", "eu-1b"));
  EXPECT_EQ(checks[1].check.every_ms(), 30'000);
  EXPECT_THAT(checks[1].locations, ElementsAre("eu-1a", "eu-1b", "office"));
  EXPECT_EQ(checks[1].check.ping().host(), "2001:db8::2");
  EXPECT_EQ(checks[1].check.target(), "[2001:db8::2]");
}

TEST(LoadDefinitions, ReadsEveryNotationOfAnHttpCheck) {
  const auto checks = checks_of(std::string(kShop) + R"(headers = { Accept = "text/html", X-Key = { env = "KEY" } }
http_version = 1.1
up_when = 2
ip = 6
bearer = { file = "token" }
compression = ["gzip", "br"]
[http.expect]
status = [404, "200-204"]
max_duration = "800ms"
json = [{ pointer = "/state", equals = "UP" }, { pointer = "/n", above = 1, below = 2.5 }, { pointer = "", exists = true }]
[[http.expect.headers]]
name = "Server"
lacks = "nginx/1"
[http.warn]
expires_in = "14d"
)");
  ASSERT_EQ(checks.size(), 1U);
  const proto::HttpCheck& http = checks[0].check.http();
  EXPECT_EQ(http.headers().at("Accept").text(), "text/html");
  EXPECT_EQ(http.headers().at("X-Key").env(), "KEY");
  EXPECT_EQ(http.http_version(), "1.1");
  EXPECT_EQ(checks[0].check.up_when(), "2");
  EXPECT_EQ(checks[0].check.ip(), "6");
  EXPECT_EQ(http.bearer().file(), "token");
  ASSERT_EQ(http.expect().status_size(), 2);
  EXPECT_EQ(http.expect().status(0).from(), 404);
  EXPECT_EQ(http.expect().status(0).to(), 404);
  EXPECT_EQ(http.expect().status(1).to(), 204);
  ASSERT_EQ(http.expect().json_size(), 3);
  EXPECT_EQ(http.expect().json(0).equals().text(), "UP");
  EXPECT_EQ(http.expect().json(1).above(), 1);
  EXPECT_TRUE(http.expect().json(2).exists());
  EXPECT_EQ(http.expect().headers(0).lacks(), "nginx/1");
  EXPECT_EQ(http.warn().expires_in_ms(), 14LL * 86'400'000);
}

TEST(LoadDefinitions, DoesNotLetACertificatesAgeTakeTheServiceDown) {
  const std::string tls =
      "[service]\nname = \"shop\"\n[[tls]]\nname = \"certificate\"\naddress = \"shop.example\"\n";
  const auto counts = [&](const std::string& more) { return checks_of(tls + more).at(0).check.counts(); };
  EXPECT_FALSE(counts("expect = { expires_in = \"1d\" }\nwarn = { expires_in = \"14d\" }\n"));
  EXPECT_TRUE(counts("expect = { expires_in = \"1d\" }\ncounts = true\n"));
  EXPECT_TRUE(counts("expect = { expires_in = \"1d\", key_bits = 2048 }\n"));
  EXPECT_TRUE(counts(""));
}

TEST(LoadDefinitions, BringsFingerprintsAndAddressesIntoOneForm) {
  std::string written = "AB";
  std::string plain = "ab";
  for (int i = 1; i < 32; ++i) {
    written += ":CD";
    plain += "cd";
  }
  const auto checks = checks_of(
      "[service]\nname = \"shop\"\n[[tls]]\nname = \"a\"\naddress = \"shop.example\"\n"
      "expect = { fingerprint_sha256 = \"" +
      written + "\" }\n");
  ASSERT_EQ(checks.size(), 1U);
  EXPECT_THAT(checks[0].check.tls().expect().fingerprint_sha256(), ElementsAre(plain));
  EXPECT_EQ(checks[0].check.tls().address(), "shop.example:443");
  EXPECT_EQ(checks[0].check.target(), "shop.example");
}

TEST(LoadDefinitions, TellsAllProblemsOfAllFilesAtOnce) {
  const Folder folder;
  folder.write("locations.toml", std::string(kThreeLocations) + "regoin = \"eu\"\n");
  folder.write("crm.toml", "[service]\nname = \"crm\"\n[[ping]]\nname = \"edge\"\nhost = \"a b\"\npackets = 0\n");
  folder.write("shop.toml", std::string(kShop) + "everyy = \"1s\"\nattempts = 11\nlocations = [\"ofice\"]\n");
  folder.write("syntax.toml", "[service\n");
  const Loaded loaded = load_definitions(folder.path());
  EXPECT_FALSE(loaded.definitions.has_value());
  std::vector<std::string> places;
  for (const Problem& problem : loaded.problems)
    places.push_back(std::filesystem::path(problem.file).filename().string() + ":" + std::to_string(problem.line));
  EXPECT_THAT(places, ElementsAre("crm.toml:5", "crm.toml:6", "locations.toml:10", "shop.toml:6", "shop.toml:7",
                                  "shop.toml:8", "syntax.toml:1"))
      << all_texts(loaded);
}

TEST(LoadDefinitions, RefusesBytesThatAreNoTextAndSaysWhere) {
  EXPECT_EQ(problems_of("[service]\nname = \"shop\"\ntitle = \"Gesch\xe4"
                        "ft\"\n"),
            "shop.toml:3:15: byte 0xe4 is not UTF-8; save the file as UTF-8\n");
  EXPECT_EQ(problems_of("[service]\nname = \"ä\xed\xa0\x80\"\n"),
            "shop.toml:2:10: byte 0xed is not UTF-8; save the file as UTF-8\n");
  EXPECT_EQ(problems_of(std::string("[service]\nname = \"shop\0\"\n", 25)),
            "shop.toml:2:13: a NUL byte; TOML is text in UTF-8\n");
}

TEST(LoadDefinitions, OutlivesKeysMadeToOverflowItsStack) {
  std::string deep = "a";
  for (int i = 0; i < 200'000; ++i) deep += ".a";
  for (const std::string& content : {deep + " = 1\n", "[" + deep + "]\n", "x = { " + deep + " = 1 }\n",
                                     "\"q\"." + deep + " = 1\n", "x = " + std::string(200'000, '[')}) {
    const Folder folder;
    folder.write("locations.toml", kThreeLocations);
    folder.write("shop.toml", content);
    EXPECT_EQ(load_definitions(folder.path()).problems.size(), 1U) << content.substr(0, 20);
  }
  EXPECT_EQ(problems_of(std::string(kShop) + "note = \"a.b.c.d.e.f.g.h.i.j.k\" # a.b.c.d.e.f.g.h.i.j.k.l\n"), "");
}

TEST(LoadDefinitions, ShowsNoSecretThatWasWrittenIntoADefinition) {
  for (const char* line : {"bearer = \"hunter2\"\n", "basic_auth = { username = \"u\", password = \"hunter2\" }\n",
                           "basic_auth = \"hunter2\"\n"})
    EXPECT_EQ(problems_of(std::string(kShop) + line).find("hunter2"), std::string::npos) << line;
  EXPECT_EQ(
      problems_of("[service]\nname = \"s\"\n[[http]]\nname = \"h\"\nurl = \"https://u:hunter2@h.example/\"\n")
          .find("hunter2"),
      std::string::npos);
}

TEST(LoadDefinitions, SaysWhatAnEmptyAMissingAndAnUnfitPathAre) {
  const Folder folder;
  EXPECT_THAT(all_texts(load_definitions(folder.path())), HasSubstr("holds no check definitions (*.toml)"));
  EXPECT_THAT(all_texts(load_definitions(folder.path() / "none")),
              HasSubstr("none: cannot be read: No such file"));
  folder.write("shop.toml", kShop);
  EXPECT_THAT(all_texts(load_definitions(folder.path())), HasSubstr("locations.toml: is missing"));
  folder.write("locations.toml", kThreeLocations);
  std::filesystem::create_symlink("nowhere.toml", folder.path() / "crm.toml");
  EXPECT_EQ(all_texts(load_definitions(folder.path()), folder.path()),
            "crm.toml: cannot be read: No such file or directory\n");
}

TEST(LoadDefinitions, RefusesAFileOfAbsurdSize) {
  EXPECT_EQ(problems_of("#" + std::string(1 << 20, 'x')), "shop.toml: is larger than 1MiB\n");
}

TEST(LoadDefinitions, PassesOverHiddenFilesFoldersAndOtherNames) {
  const Folder folder;
  folder.write("locations.toml", kThreeLocations);
  folder.write("shop.toml", kShop);
  folder.write(".shop.toml.swp", "x");
  folder.write(".#shop.toml", "x");
  folder.write("old.toml/shop.toml", "x");
  folder.write("README.md", "x");
  EXPECT_EQ(all_texts(load_definitions(folder.path())), "");
}

TEST(LoadDefinitions, ReadsOneFileBesideTheLocationsOfItsFolder) {
  const Folder folder;
  folder.write("locations.toml", kThreeLocations);
  folder.write("shop.toml", kShop);
  folder.write("broken.toml", "[");
  const Loaded loaded = load_definitions(folder.path() / "shop.toml");
  EXPECT_EQ(all_texts(loaded), "");
  ASSERT_TRUE(loaded.definitions.has_value());
  EXPECT_EQ(loaded.definitions->checks.size(), 1U);
  EXPECT_EQ(loaded.definitions->checks[0].locations.size(), 3U);
}

TEST(LoadDefinitions, ByHandNeedsNoLocations) {
  const Folder folder;
  folder.write("shop.toml", std::string(kShop) +
                                "locations = [\"nowhere\"]\nup_when = 7\n[http.tls]\n"
                                "cert_file = \"c.pem\"\nkey_file = \"k.pem\"\n");
  const Loaded loaded = load_definitions(folder.path() / "shop.toml", {.by_hand = true});
  EXPECT_EQ(all_texts(loaded), "");
  ASSERT_TRUE(loaded.definitions.has_value());
  EXPECT_THAT(loaded.definitions->checks[0].locations, IsEmpty());
  EXPECT_EQ(loaded.definitions->checks[0].check.http().tls().key_file(), (folder.path() / "k.pem").string());
}

TEST(LoadDefinitions, WarnsAndStillGivesTheSet) {
  const Folder folder;
  folder.write("locations.toml", kThreeLocations);
  folder.write("shop.toml", std::string(kShop) + "locations = [\"eu-*\", \"us-*\"]\n");
  const Loaded loaded = load_definitions(folder.path());
  EXPECT_THAT(all_texts(loaded), HasSubstr(": warning: \"us-*\" matches no location"));
  ASSERT_TRUE(loaded.definitions.has_value());
  EXPECT_THAT(loaded.definitions->checks[0].locations, ElementsAre("eu-1a", "eu-1b"));
}

}  // namespace
}  // namespace parallax
