// A server on loopback that behaves as a test says, with or without TLS: each connection runs one script.
#pragma once

#include <openssl/types.h>

#include <boost/asio/ip/tcp.hpp>
#include <functional>
#include <memory>
#include <string>

#include "base/task.h"
#include "tests/unit/probe/test_certificates.h"

namespace parallax {

// One accepted connection. Errors end the script's reads and writes quietly: the peer may go at any time.
class TestConnection {
 public:
  virtual ~TestConnection() = default;
  // Reads until the end of an HTTP request's header block; what was read so far is received().
  virtual Task<> read_request() = 0;
  virtual Task<> read_some() = 0;
  virtual Task<bool> send(std::string bytes) = 0;  // false: the peer is gone
  virtual void reset() = 0;                        // closes so that the peer gets a RST
  virtual void close() = 0;                        // FIN; over TLS without a goodbye
  virtual const std::string& received() const = 0;
};

using Script = std::function<Task<>(TestConnection&)>;

struct TestTls {
  TestCertificate certificate;
  std::string chain_pem = {};      // sent behind it
  std::string client_ca_pem = {};  // a client certificate of it is required
  bool client_may_have_none = false;
  std::string alpn = {};                    // chosen when offered
  int max_version = 0;                      // of TLS as OpenSSL numbers it
  std::string staple = {};                  // an OCSP response, sent when asked for
  Script before = {};                       // runs in the clear before the handshake
  std::function<void(SSL_CTX*)> also = {};  // whatever else
};

class TestServer {
 public:
  TestServer(Loop& loop, Script script, const std::string& on = "127.0.0.1", std::uint16_t port = 0);
  TestServer(Loop& loop, TestTls tls, Script script);
  ~TestServer();

  std::uint16_t port() const;
  std::string url(const std::string& path = "/") const;  // http:// or https:// with 127.0.0.1
  std::string address() const;                           // "127.0.0.1:port"

  // Of all connections so far.
  int connections() const;
  // TLS sessions that were resumed so far.
  long resumed() const;
  // Application bytes of the connection served last.
  const std::string& received() const;
  // Of the TLS handshake that was done last: the name asked for (SNI), and the CN of the client's certificate;
  // empty for none.
  const std::string& server_name() const;
  const std::string& client_name() const;
  // The address that the connection accepted last came from.
  const std::string& peer() const;

 private:
  struct Members;
  std::shared_ptr<Members> members_;
};

// Answers every request with `answer`, then closes.
Script always(std::string answer);

// A whole answer: "HTTP/1.1 200 OK", the headers, a Content-Length and the body.
std::string answer_of(const std::string& body, const std::string& headers = "",
                      const std::string& status = "200 OK");

}  // namespace parallax
