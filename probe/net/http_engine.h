// HTTP exchanges over connections that we made ourselves, in HTTP/1.1 or HTTP/2.
//
// It resolves no name, opens no socket, follows no redirect, reads no environment and keeps no connection. Each
// exchange gets a connected socket; so the address guard, the phases and the deadline are the check's.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/task.h"
#include "probe/net/connect.h"
#include "probe/net/cookies.h"
#include "probe/net/http_message.h"
#include "probe/net/tls_verify.h"
#include "probe/outcome.h"

namespace parallax {

struct HttpExchange {
  HttpAnswer answer;
  std::optional<Failure> failure;  // the exchange ended here, in the phase last entered
};

// One for the whole probe, on the loop thread; outlives its sessions. What arrives is read into one buffer for all
// runs and worked on at once: a run that waits holds none.
class HttpEngine {
 public:
  HttpEngine();
  HttpEngine(const HttpEngine&) = delete;
  HttpEngine& operator=(const HttpEngine&) = delete;

  class Session;

 private:
  std::vector<char> room_;
};

// The exchanges of one run: they share cookies (RFC 6265) and nothing else.
class HttpEngine::Session {
 public:
  Session(HttpEngine& engine, const Clock& clock) : engine_(engine), clock_(clock) {}
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Sends `request` over `connected` and reads the answer. Enters the phases tls (with `peer`), processing and
  // transfer and leaves the last. `peer` is null for plain http; when its verification failed nothing is sent.
  // Fails with the reasons of TLS, with send_timeout, response_timeout, closed_early, protocol_error and
  // body_too_large. Requires: one at a time; request, peer and phases outlive it.
  Task<HttpExchange> exchange(const HttpRequest& request, TcpSocket connected, TlsPeer* peer, Phases& phases,
                              Instant deadline);

 private:
  struct Under;  // the exchange under way

  Task<> converse(Under& under);

  HttpEngine& engine_;
  const Clock& clock_;
  Cookies cookies_;
};

// What is spoken: "1.1", "2"; and by what: "http-parser 2.9.4, nghttp2 1.52.0".
std::vector<std::string> http_versions();
std::string http_library();

}  // namespace parallax
