// What goes only to the host that it was written for, over a chain of redirects: secrets, client certificates and
// the name of tls.server_name.
#include <gmock/gmock.h>

#include <fstream>

#include "tests/unit/probe/checks/named_hosts.h"

namespace parallax {
namespace {

using testing::HasSubstr;
using testing::Not;

// A client's certificate and its key in one file, which goes with this.
class ClientFile {
 public:
  explicit ClientFile(const TestCertificate& ca) {
    const TestCertificate made = make_certificate({.common_name = "probe-7", .sans = {}}, &ca);
    ::close(::mkstemp(path_));
    std::ofstream(path_) << made.cert_pem << made.key_pem;
  }
  ~ClientFile() { ::unlink(path_); }
  const char* path() const { return path_; }

 private:
  char path_[32] = "/tmp/parallax-client-XXXXXX";
};

class HttpCredentialsTest : public NamedHostsTest {
 protected:
  // Everything that is a secret, and one header that is none.
  proto::Check check_with_secrets(const std::string& called) {
    auto made = check_by_name(called);
    auto& keys = *made.mutable_http();
    keys.mutable_basic_auth()->set_username("u");
    keys.mutable_basic_auth()->mutable_password()->set_env("PARALLAX_TEST_PASSWORD");
    (*keys.mutable_headers())["X-Key"].set_env("PARALLAX_TEST_PASSWORD");
    (*keys.mutable_headers())["Cookie"].set_env("PARALLAX_TEST_PASSWORD");
    set_text(made, "X-Plain", "everywhere");
    keys.mutable_tls()->set_cert_file(client.path());
    return made;
  }
  void SetUp() override { ::setenv("PARALLAX_TEST_PASSWORD", "hunter2", 1); }

  // Of what the server received: "key, basic, certificate" or parts of it.
  static std::string secrets_seen(const TestServer& server) {
    EXPECT_THAT(server.received(), HasSubstr("X-Plain: everywhere\r\n"));
    std::string seen;
    if (server.received().find("X-Key: hunter2") != std::string::npos) seen += "key ";
    if (server.received().find("Cookie: hunter2") != std::string::npos) seen += "cookie ";
    if (server.received().find("Authorization: Basic dTpodW50ZXIy") != std::string::npos) seen += "basic ";
    if (server.client_name() == "probe-7") seen += "certificate ";
    if (seen.empty()) {
      EXPECT_THAT(server.received(), Not(HasSubstr("hunter2")));
    }
    return seen;
  }

  ClientFile client{ca};
};

TEST_F(HttpCredentialsTest, NoSecretGoesToAnotherHostAndAllGoWhenTheChainComesBack) {
  TestServer home(loop, tls_for_names(), always(answer_of("end")));
  TestServer other(loop, tls_for_names(), always(redirect_to(url("shop.test", home))));
  TestServer start(loop, tls_for_names(), always(redirect_to(url("other.test", other))));
  const Outcome outcome = run(check_with_secrets(url("shop.test", start)));
  EXPECT_EQ(reason(outcome), "ok") << outcome.detail;
  EXPECT_EQ(secrets_seen(start), "key cookie basic certificate ");
  EXPECT_EQ(secrets_seen(other), "");
  EXPECT_EQ(secrets_seen(home), "key cookie basic certificate ");
}

TEST_F(HttpCredentialsTest, NoSecretGoesFromHttpsToHttpAndAllGoWhenTheChainIsOnHttpsAgain) {
  TestServer home(loop, tls_for_names(), always(answer_of("end")));
  TestServer again(loop, always(redirect_to(url("shop.test", home))));
  TestServer plain(loop, always(redirect_to(url("shop.test", again))));
  TestServer start(loop, tls_for_names(), always(redirect_to(url("shop.test", plain))));
  const Outcome outcome = run(check_with_secrets(url("shop.test", start)));
  EXPECT_EQ(reason(outcome), "ok") << outcome.detail;
  EXPECT_EQ(secrets_seen(start), "key cookie basic certificate ");
  EXPECT_EQ(secrets_seen(plain), "") << "the same host, in the clear";
  EXPECT_EQ(secrets_seen(again), "") << "and no further hop in the clear";
  EXPECT_EQ(secrets_seen(home), "key cookie basic certificate ");
}

TEST_F(HttpCredentialsTest, SecretsWrittenForPlainHttpGoToHttpsOfTheSameHostAndNotBackToHttp) {
  TestServer back(loop, always(answer_of("end")));
  TestServer secure(loop, tls_for_names(), always(redirect_to(url("shop.test", back))));
  TestServer start(loop, always(redirect_to(url("shop.test", secure))));
  const Outcome outcome = run(check_with_secrets(url("shop.test", start)));
  EXPECT_EQ(reason(outcome), "ok") << outcome.detail;
  EXPECT_EQ(secrets_seen(start), "key cookie basic ");
  EXPECT_EQ(secrets_seen(secure), "key cookie basic certificate ");
  EXPECT_EQ(secrets_seen(back), "");
}

TEST_F(HttpCredentialsTest, AHostIsAWholeNameWhateverItsCase) {
  for (const char* host : {"www.shop.test", "notshop.test", "127.0.0.1"}) {
    TestServer other(loop, always(answer_of("end")));
    TestServer start(loop, always(redirect_to(url(host, other))));
    EXPECT_EQ(reason(run(check_with_secrets(url("shop.test", start)))), "ok") << host;
    EXPECT_EQ(secrets_seen(other), "") << host;
  }
  TestServer same(loop, always(answer_of("end")));
  TestServer start(loop, always(redirect_to(url("SHOP.test", same))));
  EXPECT_EQ(reason(run(check_with_secrets(url("shop.test", start)))), "ok");
  EXPECT_EQ(secrets_seen(same), "key cookie basic ");
}

TEST_F(HttpCredentialsTest, AHeaderThatIsCalledAuthorizationIsASecretEvenAsText) {
  for (const char* name : {"Authorization", "authorization"}) {
    TestServer other(loop, always(answer_of("end")));
    TestServer start(loop, always(redirect_to(url("other.test", other))));
    auto c = check_by_name(url("shop.test", start));
    set_text(c, name, "hunter2");
    EXPECT_EQ(reason(run(c)), "ok");
    EXPECT_THAT(start.received(), HasSubstr("hunter2"));
    EXPECT_THAT(other.received(), Not(HasSubstr("hunter2")));
  }
}

TEST_F(HttpCredentialsTest, ACertificateThatIsAskedForAndNotWrittenForThatHostIsNotShown) {
  TestTls strict = tls_for_names();
  strict.client_may_have_none = false;
  TestServer other(loop, strict, always(answer_of("end")));
  TestServer start(loop, tls_for_names(), always(redirect_to(url("other.test", other))));
  const Outcome outcome = run(check_with_secrets(url("shop.test", start)));
  EXPECT_EQ(reason(outcome), "tls_protocol") << outcome.detail;
  EXPECT_EQ(other.client_name(), "");
}

TEST_F(HttpCredentialsTest, TheNameAskedForChangesWithTheHop) {
  TestServer home(loop, tls_for_names(), always(answer_of("end")));
  TestServer other(loop, tls_for_names(), always(redirect_to(url("shop.test", home))));
  TestServer start(loop, tls_for_names(), always(redirect_to(url("other.test", other))));
  auto c = check_by_name(url("shop.test", start));
  set_text(c, "Host", "front.test");
  EXPECT_EQ(reason(run(c)), "ok");
  EXPECT_EQ(start.server_name(), "shop.test") << "of the URL, whatever Host says";
  EXPECT_THAT(start.received(), HasSubstr("\r\nHost: front.test\r\n"));
  EXPECT_EQ(start.received().find("Host: "), start.received().rfind("Host: ")) << "one and no second";
  EXPECT_EQ(other.server_name(), "other.test");
  EXPECT_THAT(other.received(), HasSubstr("\r\nHost: other.test:" + std::to_string(other.port()) + "\r\n"));

  c.mutable_http()->mutable_tls()->set_server_name("inner.test");
  const Outcome outcome = run(c);
  EXPECT_EQ(reason(outcome), "ok") << outcome.detail;
  EXPECT_EQ(start.server_name(), "inner.test");
  EXPECT_EQ(other.server_name(), "other.test");
  EXPECT_EQ(home.server_name(), "inner.test") << "again when the chain comes back";

  c.mutable_http()->mutable_tls()->set_server_name("wrong.test");
  EXPECT_EQ(reason(run(c)), "tls_name_mismatch") << "that name is also the one verified";
}

TEST_F(HttpCredentialsTest, AnAddressIsNoNameToAskFor) {
  TestServer server(loop, {.certificate = make_certificate({}, &ca)}, always(answer_of("end")));
  EXPECT_EQ(reason(run(check(server.url()))), "ok");
  EXPECT_EQ(server.server_name(), "");
}

}  // namespace
}  // namespace parallax
