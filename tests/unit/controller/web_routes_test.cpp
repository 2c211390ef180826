#include "controller/web_routes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/controller/gunzip.h"
#include "tests/unit/controller/wire.h"
#include "tests/unit/definitions/folder.h"

namespace parallax {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

using Query = std::multimap<std::string, std::string>;

constexpr const char* kShop = "[service]\nname = \"shop\"\n[[ping]]\nname = \"edge\"\nhost = \"shop.example\"\n";
constexpr const char* kCrm = "[service]\nname = \"crm\"\n[[ping]]\nname = \"edge\"\nhost = \"crm.example\"\n";

Task<> keep_answer(Task<WebResponse> answering, WebResponse& answer) { answer = co_await std::move(answering); }

// A controller with two services at three locations; its ports do not listen yet.
class WebRoutesTest : public ::testing::Test {
 protected:
  WebRoutesTest() {
    checks.write("locations.toml", kThreeLocations);
    checks.write("shop.toml", kShop);
    checks.write("crm.toml", kCrm);
    Problems problems;
    EXPECT_TRUE(reload.start(problems));
  }
  ~WebRoutesTest() override { std::fclose(log_file); }

  WebResponse wait_for(Task<WebResponse> answering) {
    WebResponse answer;
    TaskGroup tasks(loop);
    tasks.spawn("answer", keep_answer(std::move(answering), answer));
    loop.restart();
    loop.run();
    for (const std::string& piece : answer.pieces) answer.body += piece;
    return answer;
  }
  static WebRequest request(const std::string& method, const std::string& path, const Query& query) {
    WebRequest asked;
    asked.method = method;
    asked.path = path;
    asked.query = query;
    return asked;
  }
  WebResponse web(const std::string& method, const std::string& path, const Query& query = {}) {
    return wait_for(answer_web(shown, request(method, path, query)));
  }
  WebResponse control(const std::string& method, const std::string& path, const Query& query = {}) {
    return wait_for(answer_control(shown, request(method, path, query)));
  }
  WebResponse scrape(const std::string& accept, const std::string& accept_encoding) {
    WebRequest asked = request("GET", "/metrics", {});
    asked.accept = accept;
    asked.accept_encoding = accept_encoding;
    return wait_for(answer_web(shown, asked));
  }

  Folder checks;
  Folder state;
  std::FILE* log_file = std::tmpfile();
  HandClock clock;
  Log log{clock, Log::Format::logfmt, Log::Level::debug, log_file};
  Loop loop;
  Ledger ledger;
  FleetBook book;
  MemoryJournal journal;
  AppliedSequences sequences;
  BookEvents events{ledger, sequences, book};
  Fleet fleet{Books{ledger, book, journal, events, sequences, log, clock}};
  Reload reload{checks.path(), state.path(), log, clock, [this](std::shared_ptr<const Definitions> definitions) {
                  ledger.apply_definitions(definitions, clock.wall());
                  fleet.apply_definitions(definitions);
                  return journal_is_good;
                }};
  bool journal_is_good = true;
  PageMaker pages{loop, clock};
  Shown shown{ledger, book, fleet, reload, journal, clock, pages};
};

TEST_F(WebRoutesTest, AreReadyOnlyWhenEverythingIsUpAndHealthyAlways) {
  EXPECT_EQ(web("GET", "/-/ready").status, 503);
  EXPECT_THAT(web("GET", "/-/ready").body, HasSubstr("definitions or a port are missing"));
  EXPECT_EQ(web("GET", "/-/healthy").status, 200);
  shown.ready = true;
  EXPECT_EQ(web("GET", "/-/ready").status, 200);
}

TEST_F(WebRoutesTest, GiveTheScraperTheFormatItAskedFor) {
  const WebResponse text = scrape("", "");
  EXPECT_EQ(text.status, 200);
  EXPECT_EQ(text.content_type, "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_THAT(text.body, Not(HasSubstr("# EOF")));
  EXPECT_THAT(text.body, HasSubstr("parallax_check_expected{service=\"shop\",check=\"edge\",location=\"eu-1a\""));
  const WebResponse open = scrape("application/openmetrics-text;version=1.0.0,text/plain;q=0.5", "");
  EXPECT_EQ(open.content_type, "application/openmetrics-text; version=1.0.0; charset=utf-8");
  EXPECT_TRUE(open.body.ends_with("# EOF\n"));
}

TEST_F(WebRoutesTest, CompressThePageForWhoeverAsks) {
  const WebResponse plain = scrape("", "");
  EXPECT_FALSE(plain.headers.contains("Content-Encoding"));
  const WebResponse compressed = scrape("application/openmetrics-text", "gzip");
  EXPECT_EQ(compressed.headers.at("Content-Encoding"), "gzip");
  EXPECT_EQ(compressed.content_type, "application/openmetrics-text; version=1.0.0; charset=utf-8");
  EXPECT_LT(compressed.body.size(), plain.body.size() / 2);
  const auto page = gunzip(compressed.body);
  ASSERT_TRUE(page.has_value());
  EXPECT_TRUE(page->ends_with("# EOF\n"));
  for (const auto& answer : {plain, compressed})  // or a cache would hand one scraper's page to another
    EXPECT_EQ(answer.headers.at("Vary"), "Accept, Accept-Encoding");
}

TEST_F(WebRoutesTest, GiveThePartOfThePageThatWasAskedFor) {
  const auto part = [this](const Query& query) { return web("GET", "/metrics", query).body; };
  EXPECT_THAT(part({}), AllOf(HasSubstr("service=\"shop\""), HasSubstr("service=\"crm\"")));
  EXPECT_THAT(part({{"service", "shop"}}),
              AllOf(HasSubstr("service=\"shop\""), Not(HasSubstr("service=\"crm\""))));
  EXPECT_THAT(part({{"service", "shop"}, {"service", "crm"}}),
              AllOf(HasSubstr("service=\"shop\""), HasSubstr("service=\"crm\"")));
  EXPECT_THAT(part({{"service", "shop"}, {"location", "office"}}),
              AllOf(HasSubstr("location=\"office\""), Not(HasSubstr("location=\"eu-1a\"")),
                    Not(HasSubstr("service=\"crm\""))));
}

TEST_F(WebRoutesTest, ReadTheDefinitionsWhenAskedTo) {
  checks.write("crm.toml", std::string(kCrm) + "[[ping]]\nname = \"second\"\nhost = \"b.example\"\n");
  const WebResponse answer = web("POST", "/-/reload");
  EXPECT_EQ(answer.status, 200);
  EXPECT_THAT(answer.body, HasSubstr("is in force; changes: added crm/second"));
  EXPECT_THAT(web("GET", "/metrics").body, HasSubstr("check=\"second\""));
}

TEST_F(WebRoutesTest, DoNotCallASetInForceThatWaitsForAJournalThatCannotBeWritten) {
  journal_is_good = false;
  const WebResponse answer = web("POST", "/-/reload");
  EXPECT_EQ(answer.status, 200);
  EXPECT_THAT(answer.body, AllOf(HasSubstr("once the journal can be written again; changes: nothing"),
                                 Not(HasSubstr("is in force"))));
}

TEST_F(WebRoutesTest, TellTheProblemsAndKeepTheSetWhenItIsNotValid) {
  checks.write("crm.toml", "[service]\nname = \"crm\"\nownr = \"sales\"\n");
  const WebResponse answer = web("POST", "/-/reload");
  EXPECT_EQ(answer.status, 500);
  EXPECT_THAT(answer.body, HasSubstr("crm.toml:3:1: unknown key \"ownr\"; did you mean \"owner\"?\n"));
  EXPECT_THAT(web("GET", "/metrics").body, AllOf(HasSubstr("parallax_config_last_reload_successful 0\n"),
                                                 HasSubstr("service=\"crm\",check=\"edge\"")));
}

TEST_F(WebRoutesTest, TellTheStateAsJson) {
  const WebResponse answer = web("GET", "/api/v1/state");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.content_type, "application/json");
  EXPECT_THAT(answer.body, StartsWith("{\"status\": \"success\", \"data\": {\"revision\": "));
}

TEST_F(WebRoutesTest, LeadFromTheFirstPageToTheOthers) {
  RememberingStream stream;
  fleet.receive(fleet.open(probe_at("eu-1a"), "192.0.2.7:4711", stream), hello('s', 1, 1));
  const WebResponse answer = web("GET", "/");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.content_type, "text/html; charset=utf-8");
  EXPECT_THAT(answer.body, HasSubstr("2 checks; connected probes: 1"));
  for (const char* link : {"/metrics", "/api/v1/state", "/-/healthy", "/-/ready"}) {
    EXPECT_THAT(answer.body, HasSubstr(std::string("href=\"") + link + "\""));
    EXPECT_NE(web("GET", link).status, 404) << link;
  }
}

TEST_F(WebRoutesTest, SayWhichMethodAPathTakes) {
  for (const char* path : {"/", "/metrics", "/-/healthy", "/-/ready", "/api/v1/state"}) {
    for (const char* method : {"POST", "PUT", "DELETE"}) {
      const WebResponse answer = web(method, path);
      EXPECT_EQ(answer.status, 405) << method << " " << path;
      EXPECT_EQ(answer.headers.at("Allow"), "GET, HEAD");
      EXPECT_EQ(answer.body, "this path takes GET, HEAD only\n");
    }
    EXPECT_NE(web("HEAD", path).status, 405) << path;
  }
  for (const char* method : {"GET", "HEAD", "PUT"}) {  // a crawler that follows links must not reload
    const WebResponse answer = web(method, "/-/reload");
    EXPECT_EQ(answer.status, 405) << method;
    EXPECT_EQ(answer.headers.at("Allow"), "POST");
  }
}

TEST_F(WebRoutesTest, SendWhoeverIsLostToTheFirstPage) {
  for (const char* path : {"/metric", "/metrics/", "/explain", "/forget", ""}) {
    const WebResponse answer = web("GET", path);
    EXPECT_EQ(answer.status, 404) << path;
    EXPECT_EQ(answer.body, "there is nothing here; / has the links\n");
  }
}

TEST_F(WebRoutesTest, ExplainACheckOnTheControlSocket) {
  const WebResponse table = control("GET", "/explain", {{"check", "shop/edge"}});
  EXPECT_EQ(table.status, 200);
  EXPECT_THAT(table.body, StartsWith("shop/edge (ping shop.example)\n"));
  EXPECT_THAT(table.body, HasSubstr("unchanged at least since 2026-01-31T10:00:00Z"));
  const WebResponse json = control("GET", "/explain", {{"check", "shop/edge"}, {"output", "json"}});
  EXPECT_THAT(json.body, StartsWith("{\"check\": \"shop/edge\""));
  const WebResponse unknown = control("GET", "/explain", {{"check", "shop/egde"}});
  EXPECT_EQ(unknown.status, 404);
  EXPECT_EQ(unknown.body, "there is no check \"shop/egde\"; did you mean \"shop/edge\"?\n");
  EXPECT_EQ(control("GET", "/explain").status, 404);
  EXPECT_EQ(control("POST", "/explain").status, 405);
}

TEST_F(WebRoutesTest, ForgetAProbeThatIsGoneAndNoneThatIsThere) {
  RememberingStream stream;
  const auto session = fleet.open(probe_at("eu-1a"), "192.0.2.7:4711", stream);
  fleet.receive(session, hello('s', 1, 1));
  const Query probe = {{"probe", "probe-eu-1a"}};
  EXPECT_EQ(control("GET", "/forget", probe).status, 405);
  EXPECT_EQ(control("POST", "/forget", probe).status, 404);
  EXPECT_EQ(book.probes().size(), 1u);
  fleet.closed(session, "gone");
  EXPECT_EQ(control("POST", "/forget", probe).status, 200);
  EXPECT_TRUE(book.probes().empty());
  EXPECT_EQ(control("POST", "/forget", probe).status, 404);
}

TEST_F(WebRoutesTest, SayOnTheControlSocketThatACommandIsUnknown) {
  const WebResponse answer = control("GET", "/ban");
  EXPECT_EQ(answer.status, 404);
  EXPECT_EQ(answer.body, "this controller does not know that command; do the two versions fit?\n");
}

}  // namespace
}  // namespace parallax
