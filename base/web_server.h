// A small HTTP/1.1 server and client on the loop, on TCP or a Unix socket. The one door to Boost.Beast.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "base/task.h"

namespace parallax {

struct WebRequest {
  std::string method;                             // "GET"
  std::string path;                               // decoded, without the query: "/metrics"
  std::multimap<std::string, std::string> query;  // decoded
  std::string accept;                             // header fields as sent, empty for none
  std::string accept_encoding;
  std::string body;
};

struct WebResponse {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
  std::map<std::string, std::string> headers = {};  // further ones, like Content-Encoding and Allow
  std::vector<std::string> pieces = {};             // sent behind the body as they are, for an answer of megabytes
  std::shared_ptr<void> held = nullptr;             // let go when the answer was sent, or cannot be
};

// Answers requests; called on the loop. A slow client holds nobody: each connection has bounds on its header (16
// KiB), body (1 MiB), idle time (60 s) and on their number (1024).
using WebHandler = std::function<Task<WebResponse>(WebRequest)>;

// Owned by main; the loop, the log and what `handler` refers to outlive it.
class WebServer {
 public:
  WebServer(Loop& loop, Log& log, WebHandler handler);
  ~WebServer();

  // Starts to listen on "127.0.0.1:9877", "[::1]:0" or "unix:/path/to.sock" (made 0600; a dead one is replaced).
  // Returns where it listens (the port taken for port 0); the error names address, cause and next step.
  Result<std::string> listen(const std::string& where);

  // Stops listening and closes every connection.
  void stop();

 private:
  struct Members;
  std::shared_ptr<Members> members_;
};

// Asks a server once. `where` as for listen(). For commands that speak to a running program.
Result<WebResponse> ask(const std::string& where, const WebRequest& request, Milliseconds timeout);

}  // namespace parallax
