#include "controller/fleet_server.h"

#include <absl/synchronization/mutex.h>
#include <fmt/format.h>
#include <grpc/support/log.h>
#include <grpcpp/grpcpp.h>

#include <atomic>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <deque>
#include <list>
#include <thread>

#include "base/certificate.h"
#include "controller/acceptor.h"
#include "controller/fleet_server_handshakes.h"
#include "controller/peer_verifier.h"
#include "proto/fleet.grpc.pb.h"

namespace parallax {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using std::chrono::seconds;

constexpr seconds kMostHandshake{10};
constexpr seconds kMostFinish{5};
constexpr int kMostMessageBytes = 256 << 10;
constexpr std::size_t kMostQueued = 4096;

// gRPC takes a plain function for its own log lines: the only global, and only for them.
std::atomic<Log*> grpc_log{nullptr};

void write_grpc_line(gpr_log_func_args* line) {
  if (Log* log = grpc_log.load()) log->debug("grpc", {{"text", line->message}});
}

// "ipv4:192.0.2.7:4711", "ipv6:%5B::1%5D:4711" as people write it.
std::string plain_peer(std::string peer) {
  if (peer.starts_with("ipv4:") || peer.starts_with("ipv6:")) peer.erase(0, 5);
  for (const auto& [escaped, plain] : {std::pair("%5B", "["), std::pair("%5D", "]"), std::pair("%25", "%")})
    if (const std::size_t at = peer.find(escaped); at != std::string::npos) peer.replace(at, 3, plain);
  return peer;
}

}  // namespace

struct FleetServer::Members {
  class Stream;
  class Service;

  Members(Loop& l, Log& g, const Clock& c, Fleet& f);

  void build(const proto::FleetSettings& settings);
  void look_at_files();
  Task<> wait_for_the_end_of_streams(Instant until);

  Loop& loop;
  Log& log;
  const Clock& clock;
  Fleet& fleet;
  proto::FleetSettings settings;
  std::string trust_domain;
  std::string own_stamp;
  std::optional<PeerVerifier> verifier;
  std::optional<Handshakes> handshakes;
  std::list<Stream*> streams;
  std::unique_ptr<Service> service;
  std::unique_ptr<grpc::Server> server;
  Acceptor acceptor;
  bool stopping = false;
};

// One probe's stream. Made on a gRPC thread; from then on everything happens on the loop, where it also deletes
// itself after gRPC's last word.
class FleetServer::Members::Stream final : public grpc::ServerBidiReactor<proto::FromProbe, proto::FromController>,
                                           public SessionStream {
 public:
  Stream(Members& door, grpc::CallbackServerContext& context, Result<Identity> identity)
      : door_(door), context_(context), identity_(std::move(identity)), peer_(plain_peer(context.peer())) {
    asio::post(door_.loop, [this] { begin(); });
  }

  void OnReadDone(bool ok) override {
    asio::post(door_.loop, [this, ok] { on_read(ok); });
  }
  void OnWriteDone(bool ok) override {
    asio::post(door_.loop, [this, ok] { on_written(ok); });
  }
  void OnDone() override {
    asio::post(door_.loop, [this] { end(); });
  }

  void send(Outgoing message) override {
    if (finishing_) return;
    queue_.push_back(std::move(message));
    if (queue_.size() > kMostQueued) return abort("it does not read what it is sent");
    write_next();
  }
  void close(const std::string& why) override { finish(grpc::Status(grpc::StatusCode::ABORTED, why), why); }

  void tick(Instant now) {
    if (finishing_ && now - finishing_since_ > kMostFinish) context_.TryCancel();
  }

 private:
  void begin() {
    door_.streams.push_back(this);
    if (door_.stopping)
      return finish(grpc::Status(grpc::StatusCode::UNAVAILABLE, "the controller stops"), "refused");
    if (!identity_) {
      door_.log.on_change("stream of " + peer_, identity_.error().what, Log::Level::warn, "probe refused",
                          {{"peer", peer_}, {"reason", identity_.error().what}});
      return finish(grpc::Status(grpc::StatusCode::UNAUTHENTICATED, identity_.error().what), "refused");
    }
    session_ = door_.fleet.open(*identity_, peer_, *this);
    StartRead(&incoming_);
  }
  // One message at a time: a probe cannot send faster than the books take it.
  void on_read(bool ok) {
    if (!ok) return finish(grpc::Status::OK, "the connection was closed");
    if (finishing_) return;
    door_.fleet.receive(session_, incoming_);
    if (!finishing_) StartRead(&incoming_);
  }
  void write_next() {
    if (writing_ || finished_) return;
    if (!queue_.empty()) {
      writing_ = true;
      return StartWrite(queue_.front().get());
    }
    if (!finishing_) return;
    finished_ = true;
    Finish(status_);
  }
  void on_written(bool ok) {
    writing_ = false;
    queue_.pop_front();
    if (!ok) queue_.clear();
    write_next();
  }
  void finish(const grpc::Status& status, const std::string& why) {
    if (finishing_) return;
    finishing_ = true;
    finishing_since_ = door_.clock.now();
    status_ = status;
    why_ = why;
    write_next();
  }
  void abort(const std::string& why) {
    finish(grpc::Status(grpc::StatusCode::ABORTED, why), why);
    context_.TryCancel();
  }
  void end() {
    door_.fleet.closed(session_, why_);
    door_.streams.remove(this);
    delete this;
  }

  Members& door_;
  grpc::CallbackServerContext& context_;
  const Result<Identity> identity_;
  const std::string peer_;
  Fleet::SessionId session_ = 0;
  proto::FromProbe incoming_;
  std::deque<Outgoing> queue_;  // the front is being written while writing_
  bool writing_ = false;
  bool finishing_ = false;
  bool finished_ = false;
  Instant finishing_since_{};
  grpc::Status status_;
  std::string why_ = "the connection was closed";
};

class FleetServer::Members::Service final : public proto::Fleet::CallbackService {
 public:
  explicit Service(Members& door) : door_(door) {}

  grpc::ServerBidiReactor<proto::FromProbe, proto::FromController>* Session(
      grpc::CallbackServerContext* context) override {
    return new Stream(door_, *context, identity_of(*context));
  }

 private:
  // By the one name that gRPC itself found in the certificate, whatever the handshake's verifier said.
  Result<Identity> identity_of(const grpc::CallbackServerContext& context) const {
    const auto names = context.auth_context()->FindPropertyValues("peer_spiffe_id");
    if (names.size() != 1)
      return failure(fmt::format("the certificate has {} SPIFFE names, not one", names.size()));
    return identity_from_spiffe_id({names.front().data(), names.front().size()}, door_.trust_domain);
  }

  Members& door_;
};

FleetServer::Members::Members(Loop& l, Log& g, const Clock& c, Fleet& f)
    : loop(l), log(g), clock(c), fleet(f), acceptor(l, g, c, [this](std::shared_ptr<Arrival> arrival) {
        return handshakes->serve(std::move(arrival));
      }) {}

void FleetServer::Members::build(const proto::FleetSettings& from) {
  grpc_log = &log;
  gpr_set_log_function(write_grpc_line);
  // Debian's Abseil looks for deadlocks at each lock that gRPC takes, for 3 % of all that ingest costs.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  gpr_set_log_verbosity(GPR_LOG_SEVERITY_ERROR);

  service = std::make_unique<Service>(*this);
  grpc::ServerBuilder builder;
  builder.RegisterService(service.get());
  builder.SetMaxReceiveMessageSize(kMostMessageBytes);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, 4);
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, 8 << 10);
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS,
                             static_cast<int>(Milliseconds(kMostHandshake).count()));
  // Probes ping every 10 s, also between calls; see the trap on keepalive in docs/ARCHITECTURE.md.
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 10'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 5'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 5'000);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS, 60'000);
  // By default gRPC answers each batch with a ping to learn how wide the path is, and reads its answer. The window
  // of 64 KiB that goes with no such pings lets 20,000 results a second through at a round trip of 100 ms.
  builder.AddChannelArgument(GRPC_ARG_HTTP2_BDP_PROBE, 0);

  handshakes->add_to(builder, from.cert_file(), from.key_file());
  server = builder.BuildAndStart();
}

void FleetServer::Members::look_at_files() {
  std::string stamp;
  for (const auto& file : {settings.cert_file(), settings.key_file()}) {
    std::error_code error;
    stamp += fmt::format("{} ", std::filesystem::last_write_time(file, error).time_since_epoch().count());
  }
  if (stamp == own_stamp) return;
  const bool first = own_stamp.empty();
  own_stamp = stamp;
  const auto own = check_own_files(settings.cert_file(), settings.key_file(), clock.wall());
  if (!own)
    log.on_change("own certificate", own.error().what, Log::Level::error,
                  "the controller's new certificate is not good", {{"reason", own.error().what}});
  else if (!first)
    log.on_change("own certificate", own->subject + to_text(own->not_after), Log::Level::info,
                  "the controller's certificate was read again",
                  {{"certificate", own->subject}, {"expires", to_text(own->not_after, 0)}});
}

FleetServer::FleetServer(Loop& loop, Log& log, const Clock& clock, Fleet& fleet)
    : members_(std::make_unique<Members>(loop, log, clock, fleet)) {}

FleetServer::~FleetServer() {
  if (members_->server) members_->server->Shutdown(std::chrono::system_clock::time_point::min());
  grpc_log = nullptr;
}

Result<void> FleetServer::prepare(const proto::FleetSettings& settings) {
  const auto own = check_own_files(settings.cert_file(), settings.key_file(), members_->clock.wall());
  if (!own) return failure("[fleet] " + own.error().what);
  members_->settings = settings;
  members_->trust_domain = settings.trust_domain();
  members_->verifier.emplace(members_->clock, settings.ca_file(), settings.trust_domain());
  members_->handshakes.emplace(members_->loop, members_->log, members_->clock, *members_->verifier);
  const auto authorities = members_->verifier->start();
  if (!authorities) return failure("[fleet] ca_file: " + authorities.error().what);
  members_->look_at_files();
  return {};
}

Result<std::string> FleetServer::listen() {
  members_->build(members_->settings);
  if (!members_->server) return failure("[fleet] gRPC did not start; run with [log] level = \"debug\" to see why");
  auto where = members_->acceptor.listen(members_->settings.listen());
  if (!where) return failure("[fleet] listen: " + where.error().what);
  return where;
}

void FleetServer::tick() {
  members_->acceptor.tick();
  members_->look_at_files();
  const std::string trouble = members_->verifier ? members_->verifier->trouble() : "";
  members_->log.on_change(
      "fleet ca_file", trouble, trouble.empty() ? Log::Level::debug : Log::Level::error,
      trouble.empty() ? "ca_file is good" : "ca_file is not good: the authorities before stay in force",
      {{"reason", trouble}});
  for (Members::Stream* stream : members_->streams) stream->tick(members_->clock.now());
}

Task<> FleetServer::Members::wait_for_the_end_of_streams(Instant until) {
  error_code error;
  while (!streams.empty() && clock.now() < until) {
    asio::steady_timer pause(loop, Milliseconds(10));
    co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, error));
  }
}

// A probe that is sent away comes again at once, on the connection it has or on a new one: nobody is let in any
// more.
Task<> FleetServer::stop() {
  members_->stopping = true;
  members_->acceptor.stop();
  members_->fleet.drain();
  const Instant until = members_->clock.now() + kMostFinish;
  co_await members_->wait_for_the_end_of_streams(until);
  if (members_->handshakes) members_->handshakes->stop();
  if (!members_->server) co_return;
  // What is left is cancelled. This waits for its last words, which come over the loop: so it waits on a thread.
  std::atomic<bool> is_down = false;
  std::jthread shutdown([server = members_->server.get(), &is_down] {
    server->Shutdown(std::chrono::system_clock::time_point::min());
    is_down = true;
  });
  error_code error;
  while (!is_down || !members_->streams.empty()) {
    asio::steady_timer pause(members_->loop, Milliseconds(10));
    co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, error));
  }
}

}  // namespace parallax
