#include "probe/uplink.h"

#include <fmt/format.h>
#include <grpc/support/log.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_certificate_verifier.h>
#include <grpcpp/security/tls_credentials_options.h>

#include <atomic>
#include <boost/asio/post.hpp>
#include <cstdlib>
#include <deque>
#include <utility>

#include "base/file.h"
#include "proto/fleet.grpc.pb.h"

namespace parallax {
namespace {

namespace asio = boost::asio;
namespace tls = grpc::experimental;

constexpr int kMostSentBytes = 256 << 10;
constexpr int kMostReceivedBytes = 4 << 20;  // one assigned check may carry a ca_file of 1 MiB

// gRPC takes a plain function for its own log lines: the only global, and only for them.
std::atomic<Log*> grpc_log{nullptr};

void write_grpc_line(gpr_log_func_args* line) {
  if (Log* log = grpc_log.load()) log->debug("grpc", {{"text", line->message}});
}

Result<std::string> read_pem(const std::string& file) {
  constexpr std::size_t kMostBytes = 1 << 20;
  auto pem = read_whole_file(file, kMostBytes);
  if (!pem) return failure(fmt::format("{} {}", file, pem.error().what));
  return pem;
}

// What a handshake needs, read from its files at this moment.
Result<std::shared_ptr<grpc::ChannelCredentials>> read_credentials(const Uplink::Files& files) {
  const auto certificate = read_pem(files.cert_file);
  if (!certificate) return std::unexpected(certificate.error());
  const auto key = read_pem(files.key_file);
  if (!key) return std::unexpected(key.error());
  const auto authorities = read_pem(files.ca_file);
  if (!authorities) return std::unexpected(authorities.error());

  const tls::IdentityKeyCertPair pair{*key, *certificate};
  const std::vector<tls::IdentityKeyCertPair> pairs{pair};
  tls::TlsChannelCredentialsOptions options;
  options.set_certificate_provider(std::make_shared<tls::StaticDataCertificateProvider>(*authorities, pairs));
  options.watch_root_certs();
  options.watch_identity_key_cert_pairs();
  options.set_verify_server_certs(true);
  options.set_certificate_verifier(std::make_shared<tls::HostNameCertificateVerifier>());
  return tls::TlsCredentials(options);
}

grpc::ChannelArguments channel_arguments() {
  grpc::ChannelArguments arguments;
  arguments.SetMaxSendMessageSize(kMostSentBytes);
  arguments.SetMaxReceiveMessageSize(kMostReceivedBytes);
  // A dead path is noticed within 15 s; the controller expects pings at this rate.
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 10'000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 5'000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  // No ping of gRPC's own for each acknowledgement that comes, to learn how wide the path is.
  arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  // When to try again is the link's to say: no connection of before, no back-off of gRPC's own.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetServiceConfigJSON("{}");
  arguments.SetInt(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1);
  return arguments;
}

// gRPC's words for a controller that is not the one we want say neither whose certificate nor what to do.
std::string in_our_words(const grpc::Status& status, const std::string& controller, const std::string& ca_file) {
  const std::string& said = status.error_message();
  if (said.empty()) return "the controller closed the connection";
  const std::string host = controller.substr(0, controller.rfind(':'));
  if (said.find("Hostname Verification Check failed") != std::string::npos)
    return fmt::format(
        "the certificate of {0} does not name {1}: write in `controllers` a name that it has, or give the "
        "controller a certificate for {1}",
        controller, host);
  if (said.find("certificate verify failed") != std::string::npos)
    return fmt::format("the certificate of {} was not signed by an authority in {}, or is not in date ({})",
                       controller, ca_file, said);
  return said;
}

}  // namespace

// One stream. gRPC must not see the end of it while the loop may still start an operation: a hold says so.
class Uplink::Stream final : public grpc::ClientBidiReactor<proto::FromProbe, proto::FromController> {
 public:
  Stream(Uplink& uplink, std::string controller, std::shared_ptr<grpc::Channel> channel)
      : uplink_(uplink),
        loop_(uplink.loop_),
        controller_(std::move(controller)),
        stub_(proto::Fleet::NewStub(std::move(channel))) {
    uplink_.streams_.push_back(this);
    stub_->async()->Session(&context_, this);
    AddHold();
    StartRead(&incoming_);
    StartCall();
  }

  void send(proto::FromProbe message) {
    queue_.push_back(std::move(message));
    write_next();
  }
  void cancel() { context_.TryCancel(); }

  // On gRPC's threads.
  void OnReadDone(bool ok) override {
    asio::post(loop_, [this, ok] { on_read(ok); });
  }
  void OnWriteDone(bool ok) override {
    asio::post(loop_, [this, ok] { on_written(ok); });
  }
  void OnDone(const grpc::Status& status) override {
    asio::post(loop_, [this, status] { end(status); });
  }

 private:
  bool is_open() const { return uplink_.open_ == this; }

  void on_read(bool ok) {
    if (!ok) {
      over_ = true;
      return let_go();
    }
    if (is_open()) uplink_.received_(incoming_);
    incoming_.Clear();
    StartRead(&incoming_);
  }
  void write_next() {
    if (writing_ || over_ || queue_.empty()) return;
    writing_ = true;
    StartWrite(&queue_.front());
  }
  void on_written(bool ok) {
    writing_ = false;
    uplink_.written_(std::move(queue_.front()));
    queue_.pop_front();
    if (!ok) queue_.clear();  // the read that is under way ends, too
    if (over_) return let_go();
    write_next();
  }
  void let_go() {
    if (writing_ || !std::exchange(held_, false)) return;
    RemoveHold();
  }
  void end(const grpc::Status& status) {
    uplink_.streams_.remove(this);
    if (is_open()) {
      uplink_.open_ = nullptr;
      uplink_.closed_(in_our_words(status, controller_, uplink_.files_.ca_file));
    }
    delete this;
  }

  Uplink& uplink_;
  Loop& loop_;
  const std::string controller_;
  std::unique_ptr<proto::Fleet::Stub> stub_;
  grpc::ClientContext context_;
  proto::FromController incoming_;
  std::deque<proto::FromProbe> queue_;  // the front is being written while writing_
  bool writing_ = false;
  bool over_ = false;  // nothing more can be read or written
  bool held_ = true;
};

Uplink::Uplink(Loop& loop, Log& log, const Clock& clock, Files files, Received received, Closed closed,
               Written written)
    : loop_(loop),
      clock_(clock),
      files_(std::move(files)),
      received_(std::move(received)),
      closed_(std::move(closed)),
      written_(std::move(written)) {
  // gRPC's own resolver asks DNS for an IPv6 address even of a name that /etc/hosts tells, and waits for the
  // answer: a probe whose name server is dead would never find its controller. The host's look-up (getaddrinfo, on
  // a thread of gRPC's) has no such wait. Read by gRPC when it starts, which is with the first channel.
  ::setenv("GRPC_DNS_RESOLVER", "native", 0);
  grpc_log = &log;
  gpr_set_log_function(write_grpc_line);
  gpr_set_log_verbosity(GPR_LOG_SEVERITY_ERROR);
}

Uplink::~Uplink() { grpc_log = nullptr; }

Result<void> Uplink::dial(const std::string& controller) {
  const auto own =
      check_own_files(files_.cert_file, files_.key_file, files_.ca_file, CertificateRole::client, clock_.wall());
  if (!own) return std::unexpected(own.error());
  if (const auto name = only_spiffe_name(*own, "certificate " + files_.cert_file); !name)
    return std::unexpected(name.error());
  const auto credentials = read_credentials(files_);
  if (!credentials) return std::unexpected(credentials.error());
  open_ = new Stream(*this, controller, grpc::CreateCustomChannel(controller, *credentials, channel_arguments()));
  return {};
}

void Uplink::send(proto::FromProbe message) {
  if (open_) open_->send(std::move(message));
}

void Uplink::close() {
  if (Stream* stream = std::exchange(open_, nullptr)) stream->cancel();
}

std::optional<WallTime> Uplink::certificate_expiry() const {
  const auto pem = read_pem(files_.cert_file);
  if (!pem) return std::nullopt;
  const auto certificate = summarize_certificate(*pem, files_.cert_file);
  return certificate ? std::optional(certificate->not_after) : std::nullopt;
}

Task<> Uplink::finished() {
  while (!streams_.empty()) {
    const Instant soon = clock_.now() + Milliseconds(5);
    co_await sleep_until(soon);
  }
}

}  // namespace parallax
