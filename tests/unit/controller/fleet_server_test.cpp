#include "controller/fleet_server.h"

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/security/tls_credentials_options.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <future>
#include <thread>

#include "base/certificate.h"
#include "proto/fleet.grpc.pb.h"
#include "tests/unit/controller/wire.h"
#include "tests/unit/made_certificates.h"

namespace parallax {
namespace {

namespace tls = grpc::experimental;
using std::chrono::hours;
using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::MadeAuthority;
using testing::MadeCertificate;
using testing::TemporaryFolder;

constexpr const char* kName = "URI:spiffe://parallax/location/a/probe/edge-7";

// A real server with real certificates on a thread of its own; the test is a probe that blocks.
class FleetServerTest : public ::testing::Test {
 protected:
  FleetServerTest() {
    folder.write("ca.crt", authority.pem());
    write_own(authority.sign({"controller", "DNS:localhost,IP:127.0.0.1", now - hours(1), now + hours(1)}));
    const Definitions set = set_of({http_check("shop", "health", {"a"})});
    ledger.apply_definitions(shared(set), now);
    fleet.apply_definitions(shared(set));
    settings.set_listen("127.0.0.1:0");
    settings.set_cert_file(folder / "controller.crt");
    settings.set_key_file(folder / "controller.key");
    settings.set_ca_file(folder / "ca.crt");
    settings.set_trust_domain("parallax");
  }
  ~FleetServerTest() override {
    if (thread.joinable()) {
      boost::asio::post(loop, [this] { tasks.spawn("stop", stop()); });
      thread.join();
    }
    std::fclose(log_file);
  }
  Task<> stop() {
    co_await server.stop();
    tasks.stop();
  }

  void start() {
    const auto prepared = server.prepare(settings);
    ASSERT_TRUE(prepared.has_value()) << prepared.error().what;
    const auto listening = server.listen();
    ASSERT_TRUE(listening.has_value()) << listening.error().what;
    where = *listening;
    thread = std::thread([this] { loop.run(); });
  }
  void write_own(const MadeCertificate& made) const {
    folder.write("controller.crt", made.certificate);
    folder.write("controller.key", made.key);
  }
  MadeCertificate probe(const char* names = kName) const {
    return authority.sign({"edge-7", names, now - hours(1), now + hours(1)});
  }

  // What a probe with this certificate (or none) gets after its hello.
  struct Answer {
    std::vector<proto::FromController> messages;
    grpc::Status status;
    std::string server_certificate;
  };
  std::unique_ptr<proto::Fleet::Stub> stub_of(const std::optional<MadeCertificate>& own) const {
    std::vector<tls::IdentityKeyCertPair> pairs;
    if (own) pairs.push_back({own->key, own->certificate});
    tls::TlsChannelCredentialsOptions options;
    options.set_certificate_provider(std::make_shared<tls::StaticDataCertificateProvider>(authority.pem(), pairs));
    options.watch_root_certs();
    if (own) options.watch_identity_key_cert_pairs();
    options.set_certificate_verifier(std::make_shared<tls::HostNameCertificateVerifier>());
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    return proto::Fleet::NewStub(grpc::CreateCustomChannel(where, tls::TlsCredentials(options), arguments));
  }
  Answer knock(const std::optional<MadeCertificate>& own) const {
    const auto stub = stub_of(own);
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + seconds(20));
    const auto stream = stub->Session(&context);
    Answer answer;
    proto::FromController message;
    if (stream->Write(hello('s', 1, 1)))
      while (answer.messages.size() < 2 && stream->Read(&message)) answer.messages.push_back(message);
    stream->WritesDone();
    if (answer.messages.size() == 2) {
      const auto shown = context.auth_context()->FindPropertyValues("x509_pem_cert");
      if (!shown.empty()) answer.server_certificate = {shown[0].data(), shown[0].size()};
      context.TryCancel();
    }
    answer.status = stream->Finish();
    return answer;
  }

  std::string logged() const {
    std::fflush(log_file);
    std::string text(1 << 20, '\0');
    text.resize(static_cast<std::size_t>(::pread(fileno(log_file), text.data(), text.size(), 0)));
    return text;
  }
  // The log once it says `what`.
  std::string logged_with(const std::string& what) const {
    while (logged().find(what) == std::string::npos) std::this_thread::yield();
    return logged();
  }
  static int count(const std::string& text, const std::string& what) {
    int found = 0;
    for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++found;
    return found;
  }

  SystemClock clock;
  const WallTime now = clock.wall();
  TemporaryFolder folder;
  MadeAuthority authority{"Test CA", now};
  std::FILE* log_file = std::tmpfile();
  Log log{clock, Log::Format::logfmt, Log::Level::info, log_file};
  Loop loop;
  TaskGroup tasks{loop};
  Ledger ledger;
  FleetBook book;
  MemoryJournal journal;
  AppliedSequences sequences;
  BookEvents events{ledger, sequences, book};
  Fleet fleet{Books{ledger, book, journal, events, sequences, log, clock}};
  proto::FleetSettings settings;
  FleetServer server{loop, log, clock, fleet};
  std::string where;
  std::thread thread;
};

TEST_F(FleetServerTest, WelcomesAProbeByTheNameInItsCertificate) {
  start();
  const Answer answer = knock(probe());
  ASSERT_EQ(answer.messages.size(), 2u) << answer.status.error_message();
  EXPECT_EQ(answer.messages[0].welcome().location(), "a");
  EXPECT_EQ(answer.messages[0].welcome().probe(), "edge-7");
  EXPECT_EQ(answer.messages[1].assignment().check_size(), 1);
  EXPECT_THAT(logged_with("probe connected"), HasSubstr("location=a probe=edge-7 peer=127.0.0.1:"));
}

TEST_F(FleetServerTest, RefusesAnyOtherCertificateAndLogsTheReasonAndThePeerOnce) {
  start();
  const MadeAuthority other("Other CA", now);
  const std::string ca = folder / "ca.crt";
  const std::tuple<std::optional<MadeCertificate>, std::string, std::string> cases[] = {
      {std::nullopt, "none", "it showed no certificate; set cert_file and key_file in probe.toml"},
      {other.sign({"foreign", kName, now - hours(1), now + hours(1)}), "CN=foreign",
       "certificate CN=foreign was not signed by an authority in " + ca + " (it names CN=Other CA as its issuer)"},
      {authority.sign({"old", kName, now - hours(100), now - hours(73)}), "CN=old",
       "certificate CN=old expired 3 days ago ("},
      {authority.sign({"early", kName, now + hours(5), now + hours(9)}), "CN=early",
       "certificate CN=early is not valid before "},
      {authority.sign({"nameless", "DNS:edge-7", now - hours(1), now + hours(1)}), "CN=nameless",
       "certificate CN=nameless has no URI name"},
      {authority.sign({"twofold", std::string(kName) + ",URI:spiffe://parallax/location/b/probe/edge-7",
                       now - hours(1), now + hours(1)}),
       "CN=twofold", "certificate CN=twofold has 2 URI names ("},
      {authority.sign({"stranger", "URI:spiffe://elsewhere/location/a/probe/x", now - hours(1), now + hours(1)}),
       "CN=stranger", "is of another trust domain"},
  };
  for (const auto& [certificate, subject, reason] : cases) {
    for (int twice = 0; twice < 2; ++twice) {
      const Answer answer = knock(certificate);
      EXPECT_TRUE(answer.messages.empty()) << subject;
      EXPECT_EQ(answer.status.error_code(), grpc::StatusCode::UNAVAILABLE) << subject;
    }
    const std::string lines = logged_with(reason);
    EXPECT_THAT(lines, HasSubstr("level=warn msg=\"probe refused\" peer=127.0.0.1:"));
    EXPECT_EQ(count(lines, reason), 1) << lines;
    EXPECT_EQ(count(lines, subject == "none" ? "certificate=none" : "certificate=\"" + subject + "\""), 1)
        << lines;
  }
  EXPECT_EQ(knock(probe()).messages.size(), 2u);
}

TEST_F(FleetServerTest, TakesNewCertificateFilesAndAuthoritiesWithoutARestart) {
  start();
  const std::string before = knock(probe()).server_certificate;
  write_own(authority.sign({"renewed", "DNS:localhost,IP:127.0.0.1", now - hours(1), now + hours(2)}));
  std::string after = before;
  while (after == before) {
    const Answer answer = knock(probe());
    if (!answer.server_certificate.empty()) after = answer.server_certificate;
  }
  EXPECT_EQ(summarize_certificate(after, "it")->subject, "CN=renewed");

  const MadeAuthority second("Second CA", now);
  const auto by_second = second.sign({"edge-7", kName, now - hours(1), now + hours(1)});
  EXPECT_TRUE(knock(by_second).messages.empty());
  folder.write("ca.crt", authority.pem() + second.pem());
  EXPECT_EQ(knock(by_second).messages.size(), 2u);
}

TEST_F(FleetServerTest, IsNotHeldUpByConnectionsThatSayNothing) {
  start();
  boost::asio::io_context own;
  const auto colon = where.rfind(':');
  const boost::asio::ip::tcp::endpoint to(boost::asio::ip::make_address(where.substr(0, colon)),
                                          static_cast<std::uint16_t>(std::stoi(where.substr(colon + 1))));
  std::vector<boost::asio::ip::tcp::socket> silent;
  for (int i = 0; i < 100; ++i) silent.emplace_back(own).connect(to);
  EXPECT_EQ(knock(probe()).messages.size(), 2u);
}

TEST_F(FleetServerTest, FreesTheSlotOfAHandshakeThatBreaksOff) {
  start();
  boost::asio::io_context own;
  const auto colon = where.rfind(':');
  const boost::asio::ip::tcp::endpoint to(boost::asio::ip::make_address(where.substr(0, colon)),
                                          static_cast<std::uint16_t>(std::stoi(where.substr(colon + 1))));
  for (int i = 0; i < 40; ++i) {  // more than there are slots
    boost::asio::ip::tcp::socket garbage(own);
    garbage.connect(to);
    boost::system::error_code ignored;
    boost::asio::write(garbage, boost::asio::buffer(std::string("GET / HTTP/1.0\r\n\r\n")), ignored);
    std::string answer;
    boost::asio::read(garbage, boost::asio::dynamic_buffer(answer), ignored);  // until it is closed
  }
  EXPECT_EQ(knock(probe()).messages.size(), 2u);
}

TEST_F(FleetServerTest, StopsThoughOneProbeReadsNothingAndAnotherComesAgainAtOnce) {
  std::vector<DefinedCheck> many;  // more than a stream takes that nobody reads
  for (int i = 0; i < 3000; ++i) many.push_back(http_check("shop", "check-" + std::to_string(i), {"a"}));
  const auto set = shared(set_of(many));
  ledger.apply_definitions(set, now);
  fleet.apply_definitions(set);
  start();
  const auto deaf_stub = stub_of(probe("URI:spiffe://parallax/location/a/probe/deaf"));
  grpc::ClientContext deaf_context;
  const auto deaf = deaf_stub->Session(&deaf_context);
  ASSERT_TRUE(deaf->Write(hello('d', 1, 1)));
  logged_with("probe=deaf");
  const auto stub = stub_of(probe());
  grpc::ClientContext context;
  const auto first = stub->Session(&context);
  proto::FromController message;
  ASSERT_TRUE(first->Write(hello('s', 1, 1)) && first->Read(&message));

  boost::asio::post(loop, [this] { tasks.spawn("stop", stop()); });
  while (first->Read(&message)) continue;
  EXPECT_EQ(first->Finish().error_message(), "the controller stops");
  grpc::ClientContext again_context;
  const auto again = stub->Session(&again_context);
  again->Write(hello('s', 1, 1));
  EXPECT_FALSE(again->Read(&message));
  EXPECT_FALSE(again->Finish().ok());  // told, cut off or no more listened to: as far as the stop has come
  thread.join();
  while (deaf->Read(&message)) continue;
  EXPECT_FALSE(deaf->Finish().ok());
}

TEST_F(FleetServerTest, SaysAtTheStartWhatIsWrongWithItsFiles) {
  const auto other = authority.sign({"controller", "DNS:localhost", now - hours(1), now + hours(1)});
  folder.write("controller.key", other.key);
  EXPECT_THAT(server.prepare(settings).error().what, HasSubstr("is not that of the certificate in"));
  write_own(authority.sign({"controller", "DNS:localhost", now - hours(50), now - hours(49)}));
  EXPECT_THAT(server.prepare(settings).error().what,
              AllOf(HasSubstr("controller.crt expired 2 days ago"), HasSubstr("renew it")));
  write_own(other);
  settings.set_ca_file(folder / "none.crt");
  EXPECT_THAT(server.prepare(settings).error().what, AllOf(HasSubstr("ca_file"), HasSubstr("No such file")));
}

}  // namespace
}  // namespace parallax
