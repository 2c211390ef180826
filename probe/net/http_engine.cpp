#include "probe/net/http_engine.h"

#include <curl/curl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <strings.h>
#include <unistd.h>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <charconv>

#include "probe/net/http_engine_failure.h"
#include "probe/net/http_engine_multi.h"

namespace asio = boost::asio;

namespace parallax {
namespace {

// Bounds against hostile servers.
constexpr std::size_t kMostHeaderBytes = 64 * 1024;
constexpr int kMostHeaderLines = 200;
constexpr std::int64_t kMostBodyBytes = 16 * 1024 * 1024;

// What a run in flight holds for what it reads: answers of health checks are shorter, long ones take more calls.
constexpr long kReadBytes = 4 * 1024;

struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using List = std::unique_ptr<curl_slist, FreeList>;

void append(List& list, const std::string& line) {
  if (curl_slist* longer = curl_slist_append(list.get(), line.c_str())) {
    (void)list.release();
    list.reset(longer);
  }
}

bool same_name(std::string_view a, std::string_view b) {
  return a.size() == b.size() && ::strncasecmp(a.data(), b.data(), a.size()) == 0;
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

// libcurl's notation: "Name: value", "Name;" for an empty value, "Name:" to send none of its own.
List header_list(const HttpRequest& request) {
  List list;
  bool has_type = false, has_connection = false;
  for (const auto& [name, value] : request.headers) {
    has_type = has_type || same_name(name, "Content-Type");
    has_connection = has_connection || same_name(name, "Connection");
    append(list, value.empty() ? name + ";" : name + ": " + value);
  }
  if (request.body) append(list, "Expect:");
  if (request.body && !has_type) append(list, "Content-Type:");
  // We close anyway; told so, the server closes first and the lingering port is its, not ours.
  if (!has_connection && request.version != "2") append(list, "Connection: close");
  return list;
}

long curl_version(const HttpRequest& request) {
  if (request.version == "1.1" || request.by_proxy) return CURL_HTTP_VERSION_1_1;
  if (request.url.is_https()) return CURL_HTTP_VERSION_2TLS;
  return request.version == "2" ? CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE : CURL_HTTP_VERSION_1_1;
}

}  // namespace

const std::string* HttpAnswer::header(const std::string& name) const {
  for (const auto& [known, value] : headers)
    if (same_name(known, name)) return &value;
  return nullptr;
}

// The handle of a session and the exchange under way on it.
struct HttpEngine::Session::Transfer {
  Transfer(Multi& m, const Clock& c) : multi(m), clock(c), easy(m.lend()), wake(m.loop()) {
    append(nowhere, "::127.0.0.1:1");
  }
  ~Transfer() {
    end();
    multi.give_back(easy);
  }

  void begin(const HttpRequest& r, TlsPeer* p, Phases& ph, int connected);
  void end();
  void set_connection_options();
  void set_request_options();
  void take_header_line(std::string_view line);
  void finish(int curl_code);
  void take_figures();
  bool sent_whole() const;
  HttpEnd ended() const;

  // What libcurl calls.
  static curl_socket_t on_open_socket(void* self, curlsocktype, curl_sockaddr*);
  // libcurl 7.88 calls connect() all the same. On a socket whose first connect() said EINPROGRESS the kernel
  // answers the second one with 0, whatever the address: harmless.
  static int on_socket_made(void*, curl_socket_t, curlsocktype) { return CURL_SOCKOPT_ALREADY_CONNECTED; }
  static CURLcode on_context(CURL*, void* context, void* self);
  static int on_ready(void* self, char*, char*, int, int);
  static std::size_t on_header(char* bytes, std::size_t, std::size_t size, void* self);
  static std::size_t on_body(char* bytes, std::size_t, std::size_t size, void* self);

  Multi& multi;
  const Clock& clock;
  void* easy;
  asio::steady_timer wake;
  List nowhere;  // stands in for a name to resolve: the socket is connected already
  char error[CURL_ERROR_SIZE] = "";

  // Of the exchange under way.
  const HttpRequest* request = nullptr;
  TlsPeer* peer = nullptr;
  Phases* phases = nullptr;
  HttpAnswer answer;
  List headers;
  int socket = -1;        // ours until libcurl takes it
  bool ready = false;     // connected, handshake done and verified: the request may go
  bool answered = false;  // the first byte came
  bool headers_done = false;
  bool headers_too_large = false, body_too_large = false;
  std::size_t header_bytes = 0;
  int header_lines = 0;
  std::optional<int> code;  // how libcurl ended, once it has
};

curl_socket_t HttpEngine::Session::Transfer::on_open_socket(void* self, curlsocktype, curl_sockaddr*) {
  auto& transfer = *static_cast<Transfer*>(self);
  return std::exchange(transfer.socket, CURL_SOCKET_BAD);
}

CURLcode HttpEngine::Session::Transfer::on_context(CURL*, void* context, void* self) {
  auto& transfer = *static_cast<Transfer*>(self);
  if (transfer.peer) transfer.peer->attach(static_cast<ssl_ctx_st*>(context));
  return CURLE_OK;
}

// After the handshake and before the request.
int HttpEngine::Session::Transfer::on_ready(void* self, char*, char*, int, int) {
  auto& transfer = *static_cast<Transfer*>(self);
  const Instant now = transfer.clock.now();
  if (transfer.peer) {
    const curl_tlssessioninfo* session = nullptr;
    curl_easy_getinfo(transfer.easy, CURLINFO_TLS_SSL_PTR, &session);
    transfer.phases->leave(now);
    transfer.peer->conclude(session ? static_cast<ssl_st*>(session->internals) : nullptr);
    if (transfer.peer->failure()) return CURL_PREREQFUNC_ABORT;
  }
  transfer.ready = true;
  transfer.phases->enter(proto::PHASE_PROCESSING, now);
  return CURL_PREREQFUNC_OK;
}

std::size_t HttpEngine::Session::Transfer::on_header(char* bytes, std::size_t, std::size_t size, void* self) {
  auto& transfer = *static_cast<Transfer*>(self);
  if (!transfer.answered) transfer.phases->enter(proto::PHASE_TRANSFER, transfer.clock.now());
  transfer.answered = true;
  transfer.header_bytes += size;
  ++transfer.header_lines;
  // The status line and the empty line are lines too.
  if (transfer.header_bytes > kMostHeaderBytes || transfer.header_lines > kMostHeaderLines + 2) {
    transfer.headers_too_large = true;
    return 0;
  }
  transfer.take_header_line({bytes, size});
  return size;
}

void HttpEngine::Session::Transfer::take_header_line(std::string_view line) {
  if (headers_done) return;  // trailers are counted and not judged
  if (line.starts_with("HTTP/")) {
    answer.headers.clear();
    const auto space = line.find(' ');
    answer.version = std::string(trimmed(line.substr(5, space - 5)));
    const std::string_view rest = space == std::string_view::npos ? "" : trimmed(line.substr(space));
    std::from_chars(rest.data(), rest.data() + rest.size(), answer.status);
    answer.phrase = rest.size() > 4 ? std::string(trimmed(rest.substr(4))) : "";
    return;
  }
  if (trimmed(line).empty()) {
    headers_done = answer.status >= 200 || answer.status == 101;  // others are informational: the answer follows
    return;
  }
  if ((line.front() == ' ' || line.front() == '\t') && !answer.headers.empty()) {  // folded, RFC 9112 5.2
    answer.headers.back().second += " " + std::string(trimmed(line));
    return;
  }
  const auto colon = line.find(':');
  if (colon == std::string_view::npos) return;
  answer.headers.emplace_back(trimmed(line.substr(0, colon)), trimmed(line.substr(colon + 1)));
}

std::size_t HttpEngine::Session::Transfer::on_body(char* bytes, std::size_t, std::size_t size, void* self) {
  auto& transfer = *static_cast<Transfer*>(self);
  HttpAnswer& answer = transfer.answer;
  answer.body_bytes += static_cast<std::int64_t>(size);
  const std::size_t room = transfer.request->max_body - answer.body.size();
  answer.body.append(bytes, std::min(size, room));
  answer.body_cut = answer.body_cut || size > room;
  if (answer.body_bytes > kMostBodyBytes) {
    transfer.body_too_large = true;
    return 0;
  }
  return size;
}

void HttpEngine::Session::Transfer::set_connection_options() {
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, error);
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  // None but ours, whatever the environment says. As for names, the address is a stand-in: the socket is
  // connected.
  curl_easy_setopt(easy, CURLOPT_PROXY, request->by_proxy ? "http://127.0.0.1:1" : "");
  curl_easy_setopt(easy, CURLOPT_NOPROXY, "");
  curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, kReadBytes);
  curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
  curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
  if (!request->by_proxy) curl_easy_setopt(easy, CURLOPT_CONNECT_TO, nowhere.get());
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, &on_open_socket);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, this);
  curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, &on_socket_made);
  curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, &on_ready);
  curl_easy_setopt(easy, CURLOPT_PREREQDATA, this);
  if (!peer) return;
  // The verification is ours (TlsPeer). No authorities for libcurl: reading them costs 20 ms a connection.
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
  curl_easy_setopt(easy, CURLOPT_CAINFO, nullptr);
  curl_easy_setopt(easy, CURLOPT_CAPATH, nullptr);
  curl_easy_setopt(easy, CURLOPT_SSL_SESSIONID_CACHE, 0L);
  curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, &on_context);
  curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, this);
}

void HttpEngine::Session::Transfer::set_request_options() {
  curl_easy_setopt(easy, CURLOPT_URL, request->url.text.c_str());
  curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, curl_version(*request));
  curl_easy_setopt(easy, CURLOPT_USERAGENT, "parallax/" PARALLAX_VERSION);
  headers = header_list(*request);
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers.get());
  const std::string encodings = fmt::format("{}", fmt::join(request->compression, ", "));
  curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, encodings.empty() ? nullptr : encodings.c_str());
  if (request->body) {
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request->body->size()));
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body->data());
  } else if (request->method == "HEAD") {
    curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
  }
  if (request->method != "GET" || request->body)
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method.c_str());
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, &on_header);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, this);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &on_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, this);
}

void HttpEngine::Session::Transfer::begin(const HttpRequest& r, TlsPeer* p, Phases& ph, int connected) {
  curl_easy_reset(easy);  // keeps the cookies
  request = &r;
  peer = p;
  phases = &ph;
  answer = {};
  error[0] = '\0';
  socket = connected;
  ready = answered = headers_done = headers_too_large = body_too_large = false;
  header_bytes = 0;
  header_lines = 0;
  code.reset();
  set_connection_options();
  set_request_options();
  ph.enter(peer ? proto::PHASE_TLS : proto::PHASE_PROCESSING, clock.now());
  multi.start(easy, [this](int curl_code) { finish(curl_code); });
}

void HttpEngine::Session::Transfer::finish(int curl_code) {
  phases->leave(clock.now());
  code = curl_code;
  wake.cancel();
}

void HttpEngine::Session::Transfer::end() {
  multi.stop(easy);
  if (socket >= 0) ::close(std::exchange(socket, -1));
}

void HttpEngine::Session::Transfer::take_figures() {
  long request_size = 0, header_size = 0;
  curl_off_t uploaded = 0, downloaded = 0, length = -1;
  curl_easy_getinfo(easy, CURLINFO_REQUEST_SIZE, &request_size);
  curl_easy_getinfo(easy, CURLINFO_HEADER_SIZE, &header_size);
  curl_easy_getinfo(easy, CURLINFO_SIZE_UPLOAD_T, &uploaded);
  curl_easy_getinfo(easy, CURLINFO_SIZE_DOWNLOAD_T, &downloaded);
  curl_easy_getinfo(easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
  answer.sent_bytes = request_size + uploaded;
  answer.received_bytes = header_size + downloaded;
  if (headers_done && length >= 0) answer.content_length = length;
  const std::string* modified = answer.header("Last-Modified");
  const std::time_t moment = modified ? curl_getdate(modified->c_str(), nullptr) : -1;
  if (moment != -1) answer.last_modified = static_cast<double>(moment);
}

bool HttpEngine::Session::Transfer::sent_whole() const {
  const auto body = request->body ? static_cast<std::int64_t>(request->body->size()) : 0;
  curl_off_t uploaded = 0;
  curl_easy_getinfo(easy, CURLINFO_SIZE_UPLOAD_T, &uploaded);
  return answer.sent_bytes > 0 && uploaded >= body;
}

HttpEnd HttpEngine::Session::Transfer::ended() const {
  HttpEnd end;
  end.code = code;
  end.words = error;
  end.ready = ready;
  end.sent_whole = sent_whole();
  end.answered = answered;
  end.headers_done = headers_done;
  end.headers_too_large = headers_too_large;
  end.body_too_large = body_too_large;
  end.peer = peer;
  return end;
}

HttpEngine::HttpEngine(Loop& loop) : multi_(std::make_unique<Multi>(loop)) {}
HttpEngine::~HttpEngine() = default;

HttpEngine::Session::Session(HttpEngine& engine, const Clock& clock)
    : transfer_(std::make_unique<Transfer>(*engine.multi_, clock)) {}
HttpEngine::Session::~Session() = default;

Task<HttpExchange> HttpEngine::Session::exchange(const HttpRequest& request, TcpSocket connected, TlsPeer* peer,
                                                 Phases& phases, Instant deadline) {
  HttpExchange exchange;
  if (!transfer_->easy) {
    exchange.failure = Failure{proto::REASON_PROBE_FAULT, "out of memory"};
    co_return exchange;
  }
  boost::system::error_code error;
  const int descriptor = connected.release(error);
  // Ends the transfer however this coroutine ends: it refers to the caller's peer and phases.
  struct Under {
    Transfer& transfer;
    ~Under() { transfer.end(); }
  } under{*transfer_};
  transfer_->wake.expires_at(deadline);
  transfer_->begin(request, peer, phases, descriptor);
  co_await transfer_->wake.async_wait(asio::redirect_error(asio::use_awaitable, error));

  if (peer && !transfer_->ready) peer->conclude(nullptr);
  transfer_->take_figures();
  exchange.failure = failure_of(transfer_->ended());
  if (error && !transfer_->code) exchange.failure = Failure{proto::REASON_PROBE_FAULT, "the run was stopped"};
  exchange.answer = std::move(transfer_->answer);
  co_return exchange;
}

}  // namespace parallax
