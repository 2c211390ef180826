// libcurl's multi interface on the loop; for the files of the HTTP engine only.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "base/task.h"
#include "probe/net/http_engine.h"

namespace parallax {

// libcurl says which sockets and which timeout to watch, Asio waits, libcurl works. An easy handle is lent to a
// session and comes back clean. Handles are void* here: CURL* and CURLM* are that.
class HttpEngine::Multi {
 public:
  explicit Multi(Loop& loop);
  ~Multi();
  Multi(const Multi&) = delete;
  Multi& operator=(const Multi&) = delete;

  Loop& loop() { return loop_; }

  // An easy handle with nothing set; null when memory is out. Give it back when it is in no transfer.
  void* lend();
  void give_back(void* easy);

  // Starts the transfer of `easy`; `done` is called once, with a CURLcode, never inside this call.
  void start(void* easy, std::function<void(int)> done);
  // Ends it at once; `done` is not called any more. Fine when it is not under way.
  void stop(void* easy);

 private:
  struct Watched;
  struct Callbacks;

  void watch(const std::shared_ptr<Watched>& watched, bool reads);
  void act_soon();
  void act(int fd, int events);
  void take_finished();

  Loop& loop_;
  void* multi_ = nullptr;
  boost::asio::steady_timer timer_;
  bool acts_soon_ = false;  // a timeout of nothing is on its way
  std::map<int, std::shared_ptr<Watched>> watched_;
  std::map<void*, std::function<void(int)>> running_;
  std::vector<void*> idle_;
  std::shared_ptr<bool> alive_;  // for handlers that run after this is gone
};

}  // namespace parallax
