#include "controller/fleet_server_handshakes.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/security/tls_certificate_verifier.h>
#include <grpcpp/security/tls_credentials_options.h>
#include <grpcpp/server_builder.h>
#include <unistd.h>

#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <list>
#include <mutex>
#include <vector>

namespace parallax {
namespace {

namespace asio = boost::asio;
namespace tls = grpc::experimental;
using boost::system::error_code;
using std::chrono::seconds;

constexpr std::size_t kSlots = 32;
constexpr seconds kMostWait{10};
constexpr seconds kSlotRest{1};  // after a handshake broke off: its verifier may just be called

// One handshake at a time.
struct HandshakeSlot {
  std::unique_ptr<tls::ExternalConnectionAcceptor> into_grpc;
  std::shared_ptr<Arrival> arrival;  // null: free
  std::mutex mutex;
  std::string peer;  // of `arrival`, for the verifier on gRPC's threads
};

// What a handshake came to, as the loop is told.
struct Judged {
  std::size_t slot = 0;
  std::string peer;
  PeerVerifier::Verdict verdict;
};

class SlotVerifier final : public tls::ExternalCertificateVerifier {
 public:
  using Tell = std::function<void(Judged)>;
  SlotVerifier(std::size_t index, HandshakeSlot& slot, PeerVerifier& verifier, Tell tell)
      : index_(index), slot_(slot), verifier_(verifier), tell_(std::move(tell)) {}

  bool Verify(tls::TlsCustomVerificationCheckRequest* request, std::function<void(grpc::Status)>,
              grpc::Status* status) override {
    const auto leaf = request->peer_cert();
    const auto chain = request->peer_cert_full_chain();
    Judged judged;
    judged.slot = index_;
    judged.verdict = verifier_.verify({leaf.data(), leaf.size()}, {chain.data(), chain.size()});
    if (!judged.verdict.identity)
      *status = grpc::Status(grpc::StatusCode::UNAUTHENTICATED, judged.verdict.identity.error().what);
    {
      const std::lock_guard lock(slot_.mutex);
      judged.peer = slot_.peer;
    }
    tell_(std::move(judged));
    return true;
  }
  void Cancel(tls::TlsCustomVerificationCheckRequest*) override {}

 private:
  const std::size_t index_;
  HandshakeSlot& slot_;
  PeerVerifier& verifier_;
  const Tell tell_;
};

}  // namespace

struct Handshakes::Members {
  Task<> serve(std::shared_ptr<Arrival> arrival);
  Task<HandshakeSlot*> free_slot(const std::shared_ptr<Arrival>& arrival);
  void release(HandshakeSlot& slot);
  void judged(const Judged& judged);

  Loop& loop;
  Log& log;
  const Clock& clock;
  PeerVerifier& verifier;
  std::vector<std::unique_ptr<HandshakeSlot>> slots = {};
  std::list<asio::steady_timer*> waiting = {};  // connections that wait for a slot, oldest first
};

// Hands a connection to gRPC through a free slot and stays until its handshake is over.
Task<> Handshakes::Members::serve(std::shared_ptr<Arrival> arrival) {
  HandshakeSlot* slot = co_await free_slot(arrival);
  if (!slot) {
    error_code ignored;
    arrival->socket.close(ignored);
    co_return;
  }
  {
    const std::lock_guard lock(slot->mutex);
    slot->peer = arrival->peer;
  }
  slot->arrival = arrival;
  const int descriptor = ::fcntl(arrival->socket.native_handle(), F_DUPFD_CLOEXEC, 0);
  if (descriptor < 0) {
    log.on_change("hand over", "failed", Log::Level::error, "no descriptor for a probe's connection",
                  {{"peer", arrival->peer}, {"next", "raise the limit on open files (LimitNOFILE, ulimit -n)"}});
    release(*slot);
    error_code ignored;
    arrival->socket.close(ignored);
    co_return;
  }
  tls::ExternalConnectionAcceptor::NewConnectionParameters connection;
  connection.fd = descriptor;
  slot->into_grpc->HandleNewConnection(&connection);

  // Ends with gRPC's own time limit at the latest; judged() frees the slot sooner.
  error_code error;
  co_await arrival->socket.async_wait(asio::ip::tcp::socket::wait_error,
                                      asio::redirect_error(asio::use_awaitable, error));
  if (slot->arrival != arrival) co_return;
  asio::steady_timer rest(loop, kSlotRest);
  co_await rest.async_wait(asio::redirect_error(asio::use_awaitable, error));
  if (slot->arrival == arrival) release(*slot);
}

// Null when none came free in time.
Task<HandshakeSlot*> Handshakes::Members::free_slot(const std::shared_ptr<Arrival>& arrival) {
  const Instant until = clock.now() + kMostWait;
  while (arrival->socket.is_open() && clock.now() < until) {
    for (const auto& slot : slots)
      if (!slot->arrival) co_return slot.get();
    asio::steady_timer timer(loop, until);
    const auto place = waiting.insert(waiting.end(), &timer);
    error_code error;
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, error));
    waiting.erase(place);
  }
  log.on_change("handshakes", "full", Log::Level::warn, "too many handshakes at once: a connection was closed",
                {{"peer", arrival->peer}});
  co_return nullptr;
}

void Handshakes::Members::release(HandshakeSlot& slot) {
  slot.arrival.reset();
  if (!waiting.empty()) waiting.front()->cancel();
}

void Handshakes::Members::judged(const Judged& judged) {
  HandshakeSlot& slot = *slots[judged.slot];
  const auto& [subject, identity] = judged.verdict;
  const std::string host = judged.peer.substr(0, judged.peer.rfind(':'));
  const std::string topic = fmt::format("certificate of {} {}", host, subject);
  if (identity)
    log.on_change(topic, "good", Log::Level::debug, "probe's certificate accepted",
                  {{"peer", judged.peer}, {"certificate", subject}});
  else
    log.on_change(topic, identity.error().what, Log::Level::warn, "probe refused",
                  {{"peer", judged.peer},
                   {"certificate", subject.empty() ? "none" : subject},
                   {"reason", identity.error().what}});
  if (slot.arrival && slot.arrival->peer == judged.peer) release(slot);
}

Handshakes::Handshakes(Loop& loop, Log& log, const Clock& clock, PeerVerifier& verifier)
    : members_(new Members{loop, log, clock, verifier}) {}

Handshakes::~Handshakes() = default;

void Handshakes::add_to(grpc::ServerBuilder& builder, const std::string& cert_file, const std::string& key_file) {
  auto files = std::make_shared<tls::FileWatcherCertificateProvider>(key_file, cert_file, 1);
  for (std::size_t i = 0; i < kSlots; ++i) {
    auto& slot = *members_->slots.emplace_back(std::make_unique<HandshakeSlot>());
    tls::TlsServerCredentialsOptions options(files);
    options.watch_identity_key_cert_pairs();
    options.set_cert_request_type(GRPC_SSL_REQUEST_CLIENT_CERTIFICATE_BUT_DONT_VERIFY);
    options.set_check_call_host(false);
    const SlotVerifier::Tell tell = [members = members_.get()](Judged told) {
      asio::post(members->loop, [members, told = std::move(told)] { members->judged(told); });
    };
    options.set_certificate_verifier(
        tls::ExternalCertificateVerifier::Create<SlotVerifier>(i, slot, members_->verifier, tell));
    slot.into_grpc = builder.experimental().AddExternalConnectionAcceptor(
        grpc::ServerBuilder::experimental_type::ExternalConnectionType::FROM_FD,
        tls::TlsServerCredentials(options));
  }
}

Task<> Handshakes::serve(std::shared_ptr<Arrival> arrival) { return members_->serve(std::move(arrival)); }

void Handshakes::stop() {
  for (auto* waiting : members_->waiting) waiting->cancel();
}

}  // namespace parallax
