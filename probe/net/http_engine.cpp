#include "probe/net/http_engine.h"

#include <span>
#include <string_view>
#include <utility>

#include "probe/net/http_failure.h"
#include "probe/net/http_talk.h"
#include "probe/net/wire.h"

namespace parallax {
namespace {

// More than the answer of a health check; of a long one, a TLS record and a window's worth at a time.
constexpr std::size_t kRoom = 32 * 1024;

bool speaks_http2(const HttpRequest& request, const TlsPeer* peer) {
  if (peer) return peer->facts().alpn() == "h2";
  return request.version == "2" && !request.by_proxy;  // prior knowledge
}

}  // namespace

HttpEngine::HttpEngine() : room_(kRoom) {}

std::vector<std::string> http_versions() { return {"1.1", "2"}; }
std::string http_library() { return http1_library() + ", " + http2_library(); }

struct HttpEngine::Session::Under {
  Under(const HttpRequest& r, TcpSocket connected, TlsPeer* p, Phases& ph, const Clock& clock, Instant deadline)
      : peer(p), phases(ph), reader(r), wire(std::move(connected), clock, deadline) {}

  TlsPeer* const peer;
  Phases& phases;
  HttpAnswerReader reader;
  Wire wire;
  std::unique_ptr<HttpTalk> talk;
  HttpEnd end;
  bool deaf = false;  // the peer takes nothing more; it may have answered all the same
  bool ended = false;

  void ends(HttpEnd::How how, std::string words = "") {
    end.how = how;
    end.words = std::move(words);
    ended = true;
  }
  void send();
  bool take(std::span<char> room);
  void take_bytes(std::string_view bytes);
  void take_progress(HttpTalk::Progress progress);
  void take_end(const Wire::Moved& moved);
};

// Sends what can be sent now.
void HttpEngine::Session::Under::send() {
  while (!deaf && !ended) {
    const std::string_view bytes = talk->to_send();
    take_progress(talk->after_sending());
    if (bytes.empty()) return;
    const Wire::Moved moved = wire.write(bytes);
    if (moved.status == Wire::Status::moved) {
      talk->sent(moved.size);
      reader.answer().sent_bytes += static_cast<std::int64_t>(moved.size);
    } else if (moved.status == Wire::Status::wants_write || moved.status == Wire::Status::wants_read) {
      return;
    } else {
      deaf = true;
    }
  }
}

// Takes what has arrived; false when that is all for now.
bool HttpEngine::Session::Under::take(std::span<char> room) {
  const Wire::Moved moved = wire.read(room);
  if (moved.status == Wire::Status::wants_read || moved.status == Wire::Status::wants_write) return false;
  if (moved.status == Wire::Status::moved)
    take_bytes({room.data(), moved.size});
  else
    take_end(moved);
  return !ended;
}

void HttpEngine::Session::Under::take_bytes(std::string_view bytes) {
  const bool was_answering = talk->is_answering();
  reader.answer().received_bytes += static_cast<std::int64_t>(bytes.size());
  const HttpTalk::Progress progress = talk->received(bytes);
  if (!was_answering && talk->is_answering()) phases.enter(proto::PHASE_TRANSFER, wire.arrived());
  take_progress(progress);
}

void HttpEngine::Session::Under::take_progress(HttpTalk::Progress progress) {
  switch (progress) {
    case HttpTalk::Progress::more:
      return;
    case HttpTalk::Progress::whole:
      return ends(HttpEnd::How::whole);
    case HttpTalk::Progress::refused:
      return ends(HttpEnd::How::closed);
    case HttpTalk::Progress::failed:
      return ends(HttpEnd::How::malformed, talk->words());
  }
}

// A server that wants a certificate refuses ours, or the lack of one, only after the handshake (TLS 1.3).
void HttpEngine::Session::Under::take_end(const Wire::Moved& moved) {
  if (peer && peer->alert()) return ends(HttpEnd::How::refused, *peer->alert());
  if (moved.status == Wire::Status::broken) return ends(HttpEnd::How::malformed, wire.words());
  // An answer that ends with its connection is whole only when the peer said so; a cut is no end.
  const bool said_so = moved.status == Wire::Status::closed;
  const bool whole = said_so && talk->closed() == HttpTalk::Progress::whole;
  ends(whole ? HttpEnd::How::whole : HttpEnd::How::closed);
}

Task<> HttpEngine::Session::converse(Under& under) {
  for (;;) {
    under.send();
    if (under.ended) co_return;
    const bool blocked = !under.deaf && !under.talk->to_send().empty();
    auto wait = blocked ? under.wire.wait_for_either() : under.wire.wait_to_read();
    const Wire::Woke woke = co_await std::move(wait);
    if (woke != Wire::Woke::ready) {
      under.ends(woke == Wire::Woke::timed_out ? HttpEnd::How::timed_out : HttpEnd::How::stopped);
      co_return;
    }
    while (!under.ended && under.take(engine_.room_)) under.send();
    if (under.ended) co_return;
  }
}

Task<HttpExchange> HttpEngine::Session::exchange(const HttpRequest& request, TcpSocket connected, TlsPeer* peer,
                                                 Phases& phases, Instant deadline) {
  HttpExchange exchange;
  Instant ready = clock_.now();
  Under under(request, std::move(connected), peer, phases, clock_, deadline);
  if (peer) {
    phases.enter(proto::PHASE_TLS, ready);
    auto done = co_await under.wire.handshake(*peer);
    if (!done) exchange.failure = std::move(done.error());
    if (done) exchange.failure = peer->failure();
    ready = done ? *done : clock_.now();
    phases.leave(ready);
    if (exchange.failure) co_return exchange;
  }
  phases.enter(proto::PHASE_PROCESSING, ready);
  const std::string cookies = cookies_.header_for(request.url, clock_.wall());
  under.talk = speaks_http2(request, peer) ? make_http2_talk(request, cookies, under.reader)
                                           : make_http1_talk(request, cookies, under.reader);
  if (!under.talk) {
    exchange.failure = Failure{proto::REASON_PROBE_FAULT, "out of memory"};
    co_return exchange;
  }
  co_await converse(under);

  phases.leave(under.end.how == HttpEnd::How::whole ? under.wire.arrived() : clock_.now());
  under.end.sent_whole = under.talk->is_request_sent();
  exchange.failure = failure_of(under.end, under.reader);
  exchange.answer = std::move(under.reader.answer());
  if (!under.reader.has_final_status()) exchange.answer.status = 0;  // 103 is no status of the run
  for (const auto& [name, value] : exchange.answer.headers)
    if (same_header_name(name, "Set-Cookie")) cookies_.take(value, request.url, clock_.wall());
  co_return exchange;
}

}  // namespace parallax
