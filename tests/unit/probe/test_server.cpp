#include "tests/unit/probe/test_server.h"

#include <openssl/ssl.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

namespace asio = boost::asio;
using asio::ip::tcp;

namespace parallax {
namespace {

void reset_socket(tcp::socket::lowest_layer_type& socket) {
  boost::system::error_code ignored;
  socket.set_option(asio::socket_base::linger(true, 0), ignored);
  socket.close(ignored);
}

template <class Stream>
class Connection final : public TestConnection {
 public:
  Connection(Stream& stream, std::string& received) : stream_(stream), received_(received) {}

  Task<> read_request() override {
    while (!error_ && received_.find("\r\n\r\n") == std::string::npos) co_await read_some();
  }

  Task<> read_some() override {
    char bytes[4096];
    const auto buffer = asio::buffer(bytes);
    const std::size_t size =
        co_await stream_.async_read_some(buffer, asio::redirect_error(asio::use_awaitable, error_));
    received_.append(bytes, size);
  }

  Task<bool> send(std::string bytes) override {
    const auto buffer = asio::buffer(bytes);
    co_await asio::async_write(stream_, buffer, asio::redirect_error(asio::use_awaitable, error_));
    co_return !error_;
  }

  void reset() override { reset_socket(stream_.lowest_layer()); }
  void close() override {
    boost::system::error_code ignored;
    stream_.lowest_layer().shutdown(tcp::socket::shutdown_both, ignored);
    stream_.lowest_layer().close(ignored);
  }
  const std::string& received() const override { return received_; }

 private:
  Stream& stream_;
  std::string& received_;
  boost::system::error_code error_;
};

int choose_alpn(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* in,
                unsigned in_size, void* wanted) {
  const auto& name = *static_cast<const std::string*>(wanted);
  for (unsigned at = 0; at < in_size; at += 1U + in[at]) {
    if (std::string(reinterpret_cast<const char*>(in + at + 1), in[at]) != name) continue;
    *out = in + at + 1;
    *out_size = in[at];
    return SSL_TLSEXT_ERR_OK;
  }
  return SSL_TLSEXT_ERR_NOACK;
}

std::string server_name_of(SSL* connection) {
  const char* name = SSL_get_servername(connection, TLSEXT_NAMETYPE_host_name);
  return name ? name : "";
}

std::string client_name_of(SSL* connection) {
  char name[256] = "";
  if (X509* certificate = SSL_get1_peer_certificate(connection)) {
    X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name, sizeof name);
    X509_free(certificate);
  }
  return name;
}

int staple_response(SSL* connection, void* staple) {
  const auto& bytes = *static_cast<const std::string*>(staple);
  if (bytes.empty()) return SSL_TLSEXT_ERR_NOACK;
  void* copy = OPENSSL_memdup(bytes.data(), bytes.size());
  SSL_set_tlsext_status_ocsp_resp(connection, copy, static_cast<long>(bytes.size()));
  return SSL_TLSEXT_ERR_OK;
}

}  // namespace

struct TestServer::Members {
  Members(Loop& l, Script s, const std::string& on = "127.0.0.1", std::uint16_t port = 0)
      : loop(l), acceptor(l, {asio::ip::make_address(on), port}), script(std::move(s)) {}

  Loop& loop;
  tcp::acceptor acceptor;
  Script script, before;
  std::unique_ptr<asio::ssl::context> context;
  std::string alpn, staple;
  int connections = 0;
  std::string received, peer, server_name, client_name;
  std::unique_ptr<TaskGroup> tasks = std::make_unique<TaskGroup>(loop);
};

namespace {

template <class M>
Task<> serve_plain(std::shared_ptr<M> members, tcp::socket socket) {
  Connection<tcp::socket> connection(socket, members->received);
  co_await members->script(connection);
}

template <class M>
Task<> serve_tls(std::shared_ptr<M> members, tcp::socket socket) {
  asio::ssl::stream<tcp::socket> stream(std::move(socket), *members->context);
  boost::system::error_code error;
  if (members->before) {
    Connection<tcp::socket> clear(stream.next_layer(), members->received);
    co_await members->before(clear);
    members->received.clear();
  }
  co_await stream.async_handshake(asio::ssl::stream_base::server,
                                  asio::redirect_error(asio::use_awaitable, error));
  if (error) co_return;
  members->server_name = server_name_of(stream.native_handle());
  members->client_name = client_name_of(stream.native_handle());
  Connection<asio::ssl::stream<tcp::socket>> connection(stream, members->received);
  co_await members->script(connection);
}

template <class M>
Task<> accept(std::shared_ptr<M> members) {
  boost::system::error_code error;
  for (;;) {
    tcp::socket socket(members->loop);
    co_await members->acceptor.async_accept(socket, asio::redirect_error(asio::use_awaitable, error));
    if (error) co_return;
    ++members->connections;
    const auto from = socket.remote_endpoint(error);
    members->peer = from.address().to_string();
    members->received.clear();
    auto served =
        members->context ? serve_tls(members, std::move(socket)) : serve_plain(members, std::move(socket));
    members->tasks->spawn("test connection", std::move(served));
  }
}

Task<> play_always(TestConnection& connection, std::string answer) {
  co_await connection.read_request();
  co_await connection.send(std::move(answer));
}

}  // namespace

TestServer::TestServer(Loop& loop, Script script, const std::string& on, std::uint16_t port)
    : members_(std::make_shared<Members>(loop, std::move(script), on, port)) {
  members_->tasks->spawn("test server", accept(members_));
}

TestServer::TestServer(Loop& loop, TestTls tls, Script script)
    : members_(std::make_shared<Members>(loop, std::move(script))) {
  members_->context = std::make_unique<asio::ssl::context>(asio::ssl::context::tls_server);
  asio::ssl::context& context = *members_->context;
  const std::string chain = tls.certificate.cert_pem + tls.chain_pem;
  SSL_CTX_set_security_level(context.native_handle(), 0);
  SSL_CTX_set_min_proto_version(context.native_handle(), TLS1_VERSION);
  if (tls.max_version) SSL_CTX_set_max_proto_version(context.native_handle(), tls.max_version);
  const unsigned char name[] = "test";  // without one OpenSSL resumes nothing where it asks for certificates
  SSL_CTX_set_session_id_context(context.native_handle(), name, sizeof name);
  context.use_certificate_chain(asio::buffer(chain));
  context.use_private_key(asio::buffer(tls.certificate.key_pem), asio::ssl::context::pem);
  if (!tls.client_ca_pem.empty()) {
    context.add_certificate_authority(asio::buffer(tls.client_ca_pem));
    context.set_verify_mode(tls.client_may_have_none
                                ? asio::ssl::verify_peer
                                : asio::ssl::verify_peer | asio::ssl::verify_fail_if_no_peer_cert);
  }
  members_->alpn = tls.alpn;
  members_->before = tls.before;
  members_->staple = tls.staple;
  SSL_CTX_set_tlsext_status_cb(context.native_handle(), &staple_response);
  SSL_CTX_set_tlsext_status_arg(context.native_handle(), &members_->staple);
  if (!tls.alpn.empty()) SSL_CTX_set_alpn_select_cb(context.native_handle(), &choose_alpn, &members_->alpn);
  if (tls.also) tls.also(context.native_handle());
  members_->tasks->spawn("test server", accept(members_));
}

TestServer::~TestServer() {
  boost::system::error_code ignored;
  members_->acceptor.close(ignored);
  members_->tasks.reset();
}

std::uint16_t TestServer::port() const { return members_->acceptor.local_endpoint().port(); }
std::string TestServer::address() const { return "127.0.0.1:" + std::to_string(port()); }
std::string TestServer::url(const std::string& path) const {
  return (members_->context ? "https://" : "http://") + address() + path;
}
int TestServer::connections() const { return members_->connections; }
long TestServer::resumed() const { return SSL_CTX_sess_hits(members_->context->native_handle()); }
const std::string& TestServer::received() const { return members_->received; }
const std::string& TestServer::server_name() const { return members_->server_name; }
const std::string& TestServer::client_name() const { return members_->client_name; }
const std::string& TestServer::peer() const { return members_->peer; }

Script always(std::string answer) {
  return [answer](TestConnection& connection) { return play_always(connection, answer); };
}

std::string answer_of(const std::string& body, const std::string& headers, const std::string& status) {
  return "HTTP/1.1 " + status + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + headers + "\r\n" +
         body;
}

}  // namespace parallax
