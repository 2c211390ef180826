// `addresses`: the first that a name has, or each of them.
#include <gmock/gmock.h>

#include "probe/by_hand_json.h"
#include "probe/finished_run.h"
#include "tests/unit/probe/checks/http_check_test.h"
#include "tests/unit/probe/dns_server.h"

namespace parallax {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class EachAddressTest : public HttpCheckTest {
 protected:
  proto::Check check_each(const std::vector<std::string>& addresses) {
    dns.zones["shop.test"].addresses = addresses;
    auto made = check("http://shop.test:" + std::to_string(one.port()) + "/");
    made.set_ip("4");
    made.set_resolver(dns.where());
    made.set_addresses("each");
    return made;
  }

  DnsServer dns{loop};
  TestServer one{loop, always(answer_of("hello"))};
};

TEST_F(EachAddressTest, IsUpWhenEveryAddressIs) {
  TestServer other(loop, always(answer_of("hello")), "127.0.0.2", one.port());
  const Outcome outcome = run(check_each({"127.0.0.1", "127.0.0.2"}));
  EXPECT_EQ(reason(outcome), "ok") << outcome.detail;
  EXPECT_THAT(outcome.detail, testing::EndsWith("(2 of 2 addresses up)"));
  ASSERT_EQ(outcome.facts.addresses_size(), 2);
  EXPECT_EQ(outcome.facts.addresses(1).address(), "127.0.0.2");
  EXPECT_EQ(outcome.facts.addresses(1).state(), "up");
  EXPECT_TRUE(outcome.facts.addresses(1).phases().has_processing());
  EXPECT_EQ(one.connections() + other.connections(), 2);
  EXPECT_EQ(dns.asked, 1) << "the name is looked up once";
}

TEST_F(EachAddressTest, IsAsBadAsTheWorstAndSaysWhich) {
  const Outcome outcome = run(check_each({"127.0.0.1", "127.0.0.2"}));
  EXPECT_EQ(reason(outcome), "connect_refused");
  EXPECT_EQ(outcome.state, proto::STATE_DOWN);
  EXPECT_EQ(phase(outcome), "connect");
  EXPECT_THAT(outcome.detail, StartsWith("127.0.0.2: "));
  EXPECT_THAT(outcome.detail, HasSubstr("(1 of 2 addresses down)"));
  EXPECT_EQ(outcome.facts.addresses(0).reason(), "ok");
  EXPECT_EQ(outcome.facts.addresses(1).reason(), "connect_refused");
  auto first = check_each({"127.0.0.1", "127.0.0.2"});
  first.set_addresses("first");
  EXPECT_EQ(reason(run(first)), "ok");
  first = check_each({"127.0.0.2", "127.0.0.1"});
  first.set_addresses("first");
  EXPECT_EQ(reason(run(first)), "connect_refused") << "no fallback: a broken address is seen";
}

TEST_F(EachAddressTest, ADeadAddressTakesNoTimeFromTheOthers) {
  TestServer silent(loop, script_of("", After::wait), "127.0.0.2", one.port());
  TestServer last(loop, always(answer_of("hello")), "127.0.0.3", one.port());
  const Instant start = clock.now();
  const Outcome outcome = run(check_each({"127.0.0.2", "127.0.0.1", "127.0.0.3"}), 500);
  EXPECT_LT(clock.now() - start, Milliseconds(750)) << "one deadline for all";
  EXPECT_EQ(reason(outcome), "response_timeout") << outcome.detail;
  EXPECT_EQ(outcome.facts.addresses(1).state(), "up");
  EXPECT_EQ(outcome.facts.addresses(2).state(), "up");
}

TEST_F(EachAddressTest, AsksTheGuardAboutEachAndWhatIsDownOutweighsWhatIsUnknown) {
  guard = *Guard::from_prefixes({"127.0.0.1/32", "127.0.0.3/32"});
  const Outcome blocked = run(check_each({"127.0.0.1", "127.0.0.2"}));
  EXPECT_EQ(reason(blocked), "blocked_by_policy") << blocked.detail;
  EXPECT_EQ(blocked.state, proto::STATE_UNKNOWN);
  EXPECT_EQ(blocked.facts.addresses(0).state(), "up");
  EXPECT_EQ(reason(run(check_each({"127.0.0.2", "127.0.0.3"}))), "connect_refused");
}

TEST_F(EachAddressTest, ANameThatIsNotThereFailsAsEver) {
  auto c = check_each({"127.0.0.1"});
  dns.zones.clear();
  const Outcome outcome = run(c);
  EXPECT_EQ(reason(outcome), "resolve_not_found");
  EXPECT_EQ(phase(outcome), "resolve");
  EXPECT_EQ(outcome.facts.addresses_size(), 0);
}

TEST_F(EachAddressTest, ShowsEveryAddressInJson) {
  const auto c = check_each({"127.0.0.1", "127.0.0.2"});
  proto::RunResult result;
  *result.mutable_facts() = run(c).facts;
  EXPECT_THAT(to_json(c, result),
              HasSubstr("\"addresses\": [{\"address\": \"127.0.0.1\", \"state\": \"up\", \"reason\": \"ok\","));
  result.mutable_facts()->clear_addresses();
  EXPECT_THAT(to_json(c, result), testing::Not(HasSubstr("addresses")));
}

}  // namespace
}  // namespace parallax
