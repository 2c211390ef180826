#include "base/web_server.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <charconv>
#include <list>
#include <optional>

#include "base/listen_address.h"

namespace parallax {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using Unix = asio::local::stream_protocol;
using boost::system::error_code;

constexpr std::uint32_t kMostHeaderBytes = 16 << 10;
constexpr std::uint64_t kMostBodyBytes = 1 << 20;
constexpr std::uint64_t kMostAnswerBytes = 256 << 20;
constexpr std::size_t kMostConnections = 1024;
constexpr std::chrono::seconds kMostIdle{60};
constexpr std::chrono::milliseconds kPauseWhenExhausted{200};
constexpr int kWellAgain = 1000;  // connections
constexpr std::string_view kUnixPrefix = "unix:";

// Percent-decoding (RFC 3986, 2.1); what is no escape stays as it is.
std::string decoded(std::string_view text, bool plus_is_space) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::uint8_t byte = 0;
    if (text[i] == '%' && i + 2 < text.size() &&
        std::from_chars(&text[i + 1], &text[i + 1] + 2, byte, 16).ptr == &text[i + 1] + 2) {
      out += static_cast<char>(byte);
      i += 2;
      continue;
    }
    out += plus_is_space && text[i] == '+' ? ' ' : text[i];
  }
  return out;
}

// For one value of a query.
std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                       c == '_' || c == '.' || c == '/';
    out += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

void read_target(std::string_view target, WebRequest& into) {
  const std::size_t scheme = target.find("://");  // absolute form, as proxies send it
  if (!target.starts_with('/') && scheme != std::string_view::npos) {
    const std::size_t path = target.find('/', scheme + 3);
    target = path == std::string_view::npos ? "/" : target.substr(path);
  }
  const std::size_t question = target.find('?');
  into.path = decoded(target.substr(0, question), false);
  if (question == std::string_view::npos) return;
  std::string_view rest = target.substr(question + 1);
  while (!rest.empty()) {
    const std::string_view pair = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
    const std::size_t equals = pair.find('=');
    const std::string_view value = equals == std::string_view::npos ? "" : pair.substr(equals + 1);
    if (!pair.empty()) into.query.emplace(decoded(pair.substr(0, equals), true), decoded(value, true));
  }
}

WebRequest request_of(http::request<http::string_body>&& sent) {
  WebRequest request;
  request.method = sent.method_string();
  request.accept = sent[http::field::accept];
  request.accept_encoding = sent[http::field::accept_encoding];
  const auto target = sent.target();
  read_target({target.data(), target.size()}, request);
  request.body = std::move(sent.body());
  return request;
}

// A body that is sent piece by piece, so that a long one need not be joined.
struct PiecesBody {
  using value_type = std::vector<std::string>;

  static std::uint64_t size(const value_type& pieces) {
    std::uint64_t size = 0;
    for (const std::string& piece : pieces) size += piece.size();
    return size;
  }

  class writer {
   public:
    using const_buffers_type = asio::const_buffer;

    template <bool isRequest, class Fields>
    writer(http::header<isRequest, Fields>&, value_type& pieces) : pieces_(pieces) {}
    void init(error_code& error) { error = {}; }
    boost::optional<std::pair<const_buffers_type, bool>> get(error_code& error) {
      error = {};
      if (next_ > 0) std::string().swap(pieces_[next_ - 1]);  // it was sent
      if (next_ == pieces_.size()) return boost::none;
      const std::string& piece = pieces_[next_++];
      return std::pair(asio::const_buffer(piece.data(), piece.size()), next_ < pieces_.size());
    }

   private:
    value_type& pieces_;
    std::size_t next_ = 0;
  };
};

http::response<PiecesBody> response_of(WebResponse&& answer, unsigned version, bool keep_alive, bool no_body) {
  http::response<PiecesBody> response(static_cast<http::status>(answer.status), version);
  response.set(http::field::content_type, answer.content_type);
  for (const auto& [name, value] : answer.headers) response.set(name, value);
  response.keep_alive(keep_alive);
  if (!answer.body.empty()) answer.pieces.insert(answer.pieces.begin(), std::move(answer.body));
  response.content_length(PiecesBody::size(answer.pieces));
  if (!no_body) response.body() = std::move(answer.pieces);
  return response;
}

// What a request that broke a limit or the protocol is told; nothing when there is nobody to tell.
std::optional<WebResponse> complaint(const error_code& error) {
  if (error == http::error::header_limit)
    return WebResponse{431, "text/plain", "the header is larger than 16 KiB\n", {}};
  if (error == http::error::body_limit)
    return WebResponse{413, "text/plain", "the body is larger than 1 MiB\n", {}};
  if (error == http::error::end_of_stream || error == http::error::partial_message) return std::nullopt;
  if (error.category() == http::make_error_code(http::error::bad_method).category())
    return WebResponse{400, "text/plain", "this is not HTTP/1.1: " + error.message() + "\n", {}};
  return std::nullopt;
}

}  // namespace

// Every coroutine holds the members: they go when the last one ended.
struct WebServer::Members {
  Members(Loop& l, Log& g, WebHandler h) : loop(l), log(g), handler(std::move(h)), tasks(l) {}

  template <class Protocol>
  void start(typename Protocol::acceptor acceptor, const std::string& where, std::shared_ptr<Members> members) {
    auto shared = std::make_shared<typename Protocol::acceptor>(std::move(acceptor));
    closers.push_back([shared] {
      error_code ignored;
      shared->close(ignored);
    });
    tasks.spawn("web accept " + where, accept<Protocol>(std::move(members), std::move(shared), where));
  }

  template <class Protocol>
  static Task<> accept(std::shared_ptr<Members> self, std::shared_ptr<typename Protocol::acceptor> acceptor,
                       std::string where);
  template <class Protocol>
  static Task<> serve(std::shared_ptr<Members> self, std::shared_ptr<beast::basic_stream<Protocol>> stream);

  Loop& loop;
  Log& log;
  WebHandler handler;
  TaskGroup tasks;
  bool stopped = false;
  std::size_t connections = 0;
  std::list<std::function<void()>> closers;  // one an open connection or acceptor
  std::list<std::string> unix_paths;
};

// Accepts until closed. Trouble like a full descriptor table is told once and tried again after a pause: what is
// already connected goes on being served, and descriptors come back when it leaves.
template <class Protocol>
Task<> WebServer::Members::accept(std::shared_ptr<Members> self,
                                  std::shared_ptr<typename Protocol::acceptor> acceptor, std::string where) {
  const std::string topic = "web accept " + where;
  // A crowd comes and goes with each descriptor that is free: well again is said after a while without trouble.
  int since_trouble = kWellAgain;
  while (!self->stopped) {
    typename Protocol::socket socket(self->loop);
    error_code error;
    co_await acceptor->async_accept(socket, asio::redirect_error(asio::use_awaitable, error));
    if (self->stopped || error == asio::error::operation_aborted) co_return;
    if (error) {
      since_trouble = 0;
      self->log.on_change(topic, error.message(), Log::Level::error, "cannot accept web connections for now",
                          {{"listen", where},
                           {"reason", error.message()},
                           {"next", "raise the limit on open files (LimitNOFILE, ulimit -n) if it is that"}});
      asio::steady_timer pause(self->loop, kPauseWhenExhausted);
      co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, error));
      continue;
    }
    if (self->connections >= kMostConnections) {
      self->log.on_change(topic, "full", Log::Level::warn, "too many web connections: new ones are closed",
                          {{"listen", where}, {"most", std::to_string(kMostConnections)}});
      continue;
    }
    if (++since_trouble >= kWellAgain)
      self->log.on_change(topic, "accepting", Log::Level::debug, "accepting web connections", {{"listen", where}});
    auto stream = std::make_shared<beast::basic_stream<Protocol>>(std::move(socket));
    self->tasks.spawn("web connection", serve<Protocol>(self, std::move(stream)));
  }
}

// One connection: requests one after the other, until either side has had enough.
template <class Protocol>
Task<> WebServer::Members::serve(std::shared_ptr<Members> self,
                                 std::shared_ptr<beast::basic_stream<Protocol>> stream) {
  ++self->connections;
  const auto closer = self->closers.insert(self->closers.end(), [stream] { stream->close(); });
  beast::flat_buffer buffer(kMostHeaderBytes + kMostBodyBytes);
  bool keep_alive = true;
  while (keep_alive && !self->stopped) {
    http::request_parser<http::string_body> parser;
    parser.header_limit(kMostHeaderBytes);
    parser.body_limit(kMostBodyBytes);
    error_code error;
    stream->expires_after(kMostIdle);
    co_await http::async_read(*stream, buffer, parser, asio::redirect_error(asio::use_awaitable, error));
    if (self->stopped) break;
    std::optional<WebResponse> answer = error ? complaint(error) : WebResponse();
    if (!answer) break;
    keep_alive = !error && parser.get().keep_alive();
    const unsigned version = error ? 11 : parser.get().version();
    const bool no_body = !error && parser.get().method() == http::verb::head;
    if (!error) {
      stream->expires_never();
      WebRequest request = request_of(parser.release());
      answer = co_await self->handler(std::move(request));
      if (self->stopped) break;
    }
    const std::shared_ptr<void> held = std::move(answer->held);
    auto response = response_of(std::move(*answer), version, keep_alive, no_body);
    http::response_serializer<PiecesBody> serializer(response);
    stream->expires_after(kMostIdle);
    // With HEAD the length told is that of the body not sent: the serializer stops after the header.
    if (no_body)
      co_await http::async_write_header(*stream, serializer, asio::redirect_error(asio::use_awaitable, error));
    else
      co_await http::async_write(*stream, serializer, asio::redirect_error(asio::use_awaitable, error));
    if (error) break;
  }
  error_code ignored;
  stream->socket().shutdown(asio::socket_base::shutdown_send, ignored);
  stream->close();
  self->closers.erase(closer);
  --self->connections;
}

namespace {

// Whether a program answers on the socket: one that does not is left over from a crash.
bool is_served(const std::string& path) {
  asio::io_context loop;
  Unix::socket socket(loop);
  error_code error;
  socket.connect(Unix::endpoint(path), error);
  return !error;
}

Result<Unix::acceptor> listen_on_path(Loop& loop, const std::string& path) {
  if (path.size() > 100)
    return failure(
        fmt::format("cannot listen on {}: a socket's path has at most 100 bytes; take a shorter state_dir", path));
  if (::access(path.c_str(), F_OK) == 0) {
    if (is_served(path))
      return failure(fmt::format(
          "cannot listen on {}: another program answers there; stop that one or take another state_dir", path));
    ::unlink(path.c_str());
  }
  Unix::acceptor acceptor(loop);
  error_code error;
  acceptor.open(Unix(), error);
  const mode_t before = ::umask(0177);  // the socket is 0600 from the moment it exists
  if (!error) acceptor.bind(Unix::endpoint(path), error);
  ::umask(before);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error)
    return failure(
        fmt::format("cannot listen on {}: {}; look at the directory and its permissions", path, error.message()));
  return acceptor;
}

}  // namespace

WebServer::WebServer(Loop& loop, Log& log, WebHandler handler)
    : members_(std::make_shared<Members>(loop, log, std::move(handler))) {}

WebServer::~WebServer() { stop(); }

Result<std::string> WebServer::listen(const std::string& where) {
  if (where.starts_with(kUnixPrefix)) {
    const std::string path = where.substr(kUnixPrefix.size());
    auto acceptor = listen_on_path(members_->loop, path);
    if (!acceptor) return std::unexpected(acceptor.error());
    members_->unix_paths.push_back(path);
    members_->start<Unix>(std::move(*acceptor), where, members_);
    return where;
  }
  const auto endpoint = parse_listen_address(where);
  if (!endpoint) return std::unexpected(endpoint.error());
  auto acceptor = listen_on(members_->loop.get_executor(), *endpoint);
  if (!acceptor) return std::unexpected(acceptor.error());
  const std::string taken = to_text(acceptor->local_endpoint());
  members_->start<tcp>(std::move(*acceptor), taken, members_);
  return taken;
}

void WebServer::stop() {
  if (std::exchange(members_->stopped, true)) return;
  for (const auto& close : members_->closers) close();
  for (const auto& path : members_->unix_paths) ::unlink(path.c_str());
  members_->tasks.stop();
}

namespace {

template <class Protocol>
Task<> exchange(beast::basic_stream<Protocol>& stream, const typename Protocol::endpoint& to,
                http::request<http::string_body>& request, Result<WebResponse>& into) {
  error_code error;
  co_await stream.async_connect(to, asio::redirect_error(asio::use_awaitable, error));
  if (!error) co_await http::async_write(stream, request, asio::redirect_error(asio::use_awaitable, error));
  beast::flat_buffer buffer;
  http::response_parser<http::string_body> parser;
  parser.body_limit(kMostAnswerBytes);
  if (!error) co_await http::async_read(stream, buffer, parser, asio::redirect_error(asio::use_awaitable, error));
  if (error) {
    into = failure(error.message());
    co_return;
  }
  auto response = parser.release();
  WebResponse answer;
  answer.status = static_cast<int>(response.result_int());
  answer.content_type = response[http::field::content_type];
  for (const auto& field : response) answer.headers[std::string(field.name_string())] = field.value();
  answer.body = std::move(response.body());
  into = std::move(answer);
}

template <class Protocol>
Result<WebResponse> ask_at(const typename Protocol::endpoint& to, http::request<http::string_body>& request,
                           Milliseconds timeout) {
  Loop loop;
  TaskGroup tasks(loop);
  beast::basic_stream<Protocol> stream(loop);
  stream.expires_after(timeout);
  Result<WebResponse> answer = failure("no answer");
  tasks.spawn("ask", exchange<Protocol>(stream, to, request, answer));
  loop.run();
  return answer;
}

}  // namespace

Result<WebResponse> ask(const std::string& where, const WebRequest& request, Milliseconds timeout) {
  std::string target = request.path;
  for (const auto& [name, value] : request.query)
    target +=
        fmt::format("{}{}={}", target.size() == request.path.size() ? '?' : '&', escaped(name), escaped(value));
  http::request<http::string_body> sent(http::string_to_verb(request.method), target, 11);
  sent.set(http::field::host, "localhost");
  sent.set(http::field::connection, "close");
  if (!request.accept.empty()) sent.set(http::field::accept, request.accept);
  if (!request.accept_encoding.empty()) sent.set(http::field::accept_encoding, request.accept_encoding);
  sent.body() = request.body;
  sent.prepare_payload();
  if (where.starts_with(kUnixPrefix)) {
    const std::string path = where.substr(kUnixPrefix.size());
    if (path.size() > 100) return failure("the path of the socket has more than 100 bytes");
    return ask_at<Unix>(Unix::endpoint(path), sent, timeout);
  }
  const auto endpoint = parse_listen_address(where);
  if (!endpoint) return std::unexpected(endpoint.error());
  return ask_at<tcp>(*endpoint, sent, timeout);
}

}  // namespace parallax
