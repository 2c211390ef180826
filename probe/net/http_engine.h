// HTTP exchanges over connections that we made ourselves. The door to libcurl.
//
// libcurl speaks HTTP and nothing else here: it resolves no name, opens no socket, follows no redirect, reads no
// environment and keeps no connection. Each exchange gets a connected socket; so the address guard, the phases
// and the deadline are ours.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/task.h"
#include "probe/net/connect.h"
#include "probe/net/tls_verify.h"
#include "probe/net/url.h"
#include "probe/outcome.h"

namespace parallax {

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

struct HttpRequest {
  Url url;
  std::string method = "GET";
  HttpHeaders headers;
  std::optional<std::string> body;
  std::string version = "auto";          // auto, 1.1, 2
  std::vector<std::string> compression;  // encodings asked for and undone
  std::size_t max_body = 0;              // decoded bytes to keep
  bool by_proxy = false;  // the peer is a proxy: the whole URL goes into the request line (plain http)
};

// What came back, as far as it came.
struct HttpAnswer {
  int status = 0;       // 0: no status line came
  std::string version;  // "1.0", "1.1", "2"
  std::string phrase;   // of the status line; empty in HTTP/2
  HttpHeaders headers;  // of the final answer, in the order received
  std::string body;     // the first max_body decoded bytes
  bool body_cut = false;
  std::int64_t body_bytes = 0;  // decoded bytes read
  std::optional<std::int64_t> content_length;
  std::optional<double> last_modified;  // Unix seconds
  std::int64_t sent_bytes = 0, received_bytes = 0;

  // The first header of that name, ASCII case ignored; null when there is none.
  const std::string* header(const std::string& name) const;
};

struct HttpExchange {
  HttpAnswer answer;
  std::optional<Failure> failure;  // the exchange ended here, in the phase last entered
};

// One for the whole probe, on the loop thread; outlives its sessions.
class HttpEngine {
 public:
  explicit HttpEngine(Loop& loop);
  ~HttpEngine();
  HttpEngine(const HttpEngine&) = delete;
  HttpEngine& operator=(const HttpEngine&) = delete;

  class Session;

 private:
  class Multi;
  std::unique_ptr<Multi> multi_;
};

// The exchanges of one run: they share cookies (RFC 6265) and nothing else. Going away ends an exchange under way.
class HttpEngine::Session {
 public:
  Session(HttpEngine& engine, const Clock& clock);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Sends `request` over `connected` and reads the answer. Enters the phases tls (with `peer`), processing and
  // transfer and leaves the last. `peer` is null for plain http; when its verification failed nothing is sent.
  // Fails with the reasons of TLS, with send_timeout, response_timeout, closed_early, protocol_error and
  // body_too_large. Requires: one at a time; request, peer and phases outlive it.
  Task<HttpExchange> exchange(const HttpRequest& request, TcpSocket connected, TlsPeer* peer, Phases& phases,
                              Instant deadline);

 private:
  struct Transfer;
  std::unique_ptr<Transfer> transfer_;
};

}  // namespace parallax
