#include "probe/net/http_engine_multi.h"

#include <curl/curl.h>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <utility>

namespace asio = boost::asio;

namespace parallax {
namespace {

constexpr std::size_t kMostIdle = 256;  // easy handles kept for the next runs, about 6 KiB each

}  // namespace

// A socket of libcurl's that Asio watches. libcurl closes it; we let go of it first.
struct HttpEngine::Multi::Watched {
  Watched(Loop& loop, int descriptor) : fd(descriptor), stream(loop, descriptor) {}
  ~Watched() { release(); }
  void release() {
    if (stream.is_open()) stream.release();
  }

  const int fd;
  asio::posix::stream_descriptor stream;
  bool read = false, write = false;       // wanted
  bool reading = false, writing = false;  // waited for
};

struct HttpEngine::Multi::Callbacks {
  static int on_socket(CURL*, curl_socket_t fd, int what, void* self, void*) {
    auto& multi = *static_cast<Multi*>(self);
    const auto known = multi.watched_.find(fd);
    if (what == CURL_POLL_REMOVE) {
      // At once: libcurl closes the descriptor next, and its number comes back.
      if (known == multi.watched_.end()) return 0;
      known->second->release();
      multi.watched_.erase(known);
      return 0;
    }
    auto watched = known == multi.watched_.end() ? std::make_shared<Watched>(multi.loop_, fd) : known->second;
    if (known == multi.watched_.end()) multi.watched_.emplace(fd, watched);
    watched->read = (what & CURL_POLL_IN) != 0;
    watched->write = (what & CURL_POLL_OUT) != 0;
    if (watched->read && !watched->reading) multi.watch(watched, true);
    if (watched->write && !watched->writing) multi.watch(watched, false);
    return 0;
  }

  static int on_timer(CURLM*, long ms, void* self) {
    auto& multi = *static_cast<Multi*>(self);
    if (ms < 0) {
      multi.timer_.cancel();
      return 0;
    }
    if (ms == 0) {
      multi.timer_.cancel();
      multi.act_soon();
      return 0;
    }
    multi.timer_.expires_after(Milliseconds(ms));
    multi.timer_.async_wait([self, alive = multi.alive_](const auto& error) {
      if (!error && *alive) static_cast<Multi*>(self)->act(CURL_SOCKET_TIMEOUT, 0);
    });
    return 0;
  }
};

HttpEngine::Multi::Multi(Loop& loop) : loop_(loop), timer_(loop), alive_(std::make_shared<bool>(true)) {
  curl_global_init(CURL_GLOBAL_DEFAULT);
  multi_ = curl_multi_init();
  curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &Callbacks::on_socket);
  curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
  curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &Callbacks::on_timer);
  curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
  curl_multi_setopt(multi_, CURLMOPT_PIPELINING, CURLPIPE_NOTHING);
}

HttpEngine::Multi::~Multi() {
  *alive_ = false;
  for (auto& [easy, done] : running_) curl_multi_remove_handle(multi_, easy);
  for (void* easy : idle_) curl_easy_cleanup(easy);
  curl_multi_cleanup(multi_);
}

void* HttpEngine::Multi::lend() {
  if (idle_.empty()) {
    void* made = curl_easy_init();
    // Cookies on, for as long as the handle lives. Not by COOKIEFILE "": libcurl 7.88 leaks that option in a
    // reset.
    if (made) curl_easy_setopt(made, CURLOPT_COOKIELIST, "Set-Cookie: on=1; domain=cookies.invalid");
    if (made) curl_easy_setopt(made, CURLOPT_COOKIELIST, "ALL");
    return made;
  }
  void* easy = idle_.back();
  idle_.pop_back();
  return easy;
}

void HttpEngine::Multi::give_back(void* easy) {
  if (!easy) return;
  curl_easy_setopt(easy, CURLOPT_COOKIELIST, "ALL");
  curl_easy_reset(easy);
  if (idle_.size() < kMostIdle)
    idle_.push_back(easy);
  else
    curl_easy_cleanup(easy);
}

void HttpEngine::Multi::start(void* easy, std::function<void(int)> done) {
  running_[easy] = std::move(done);
  curl_multi_add_handle(multi_, easy);  // sets the timer to "now": the work begins on the loop
}

void HttpEngine::Multi::stop(void* easy) {
  if (running_.erase(easy) > 0) curl_multi_remove_handle(multi_, easy);
}

void HttpEngine::Multi::watch(const std::shared_ptr<Watched>& watched, bool reads) {
  (reads ? watched->reading : watched->writing) = true;
  const auto what = reads ? asio::posix::descriptor_base::wait_read : asio::posix::descriptor_base::wait_write;
  watched->stream.async_wait(what, [this, alive = alive_, watched, reads](const auto& error) {
    (reads ? watched->reading : watched->writing) = false;
    if (error || !*alive) return;
    if (!(reads ? watched->read : watched->write)) return;  // wanted when the wait began, no longer
    const int fd = watched->fd;
    act(fd, reads ? CURL_CSELECT_IN : CURL_CSELECT_OUT);
    const auto still = watched_.find(fd);
    if (still == watched_.end() || still->second != watched) return;
    if (reads ? watched->read && !watched->reading : watched->write && !watched->writing) watch(watched, reads);
  });
}

// Every transfer begins with a timeout of 0: without the detour over the kernel's timer.
void HttpEngine::Multi::act_soon() {
  if (std::exchange(acts_soon_, true)) return;
  asio::post(loop_, [this, alive = alive_] {
    if (!*alive) return;
    acts_soon_ = false;
    act(CURL_SOCKET_TIMEOUT, 0);
  });
}

void HttpEngine::Multi::act(int fd, int events) {
  int running = 0;
  curl_multi_socket_action(multi_, fd, events, &running);
  take_finished();
}

void HttpEngine::Multi::take_finished() {
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    void* easy = message->easy_handle;
    const int code = message->data.result;
    const auto running = running_.find(easy);
    if (running == running_.end()) continue;
    const auto done = std::move(running->second);
    running_.erase(running);
    done(code);  // while the handle is still in the multi: its figures can be read
    curl_multi_remove_handle(multi_, easy);
  }
}

}  // namespace parallax
