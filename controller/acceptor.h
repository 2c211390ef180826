// Accepts the probes' connections in gRPC's place: its own listener accepts nothing any more, for ever, after the
// descriptor table was full once (CVE-2023-4785, gRPC 1.51). It is also where connections are bounded: how many
// there are, and how long one may take before its first byte.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>

#include "base/log.h"
#include "base/result.h"
#include "base/task.h"
#include "base/time.h"

namespace parallax {

// A connection whose peer has begun to speak.
struct Arrival {
  boost::asio::ip::tcp::socket socket;  // to watch it and to duplicate its descriptor, not to be read
  std::string peer;                     // "192.0.2.7:4711"
  std::string peer_host;                // "192.0.2.7"
  Instant since;
  bool spoke = false;
};

// Owned by the fleet server; everything is called on the loop.
class Acceptor {
 public:
  // `serve` takes a connection over, by a duplicate of its descriptor, and returns; the acceptor counts it as open
  // until it is shut down.
  using Serve = std::function<Task<>(std::shared_ptr<Arrival>)>;
  Acceptor(Loop& loop, Log& log, const Clock& clock, Serve serve);
  ~Acceptor();

  // Returns where it listens; the error names address, cause and next step.
  Result<std::string> listen(const std::string& where);

  // Closes what said nothing for too long. Call it about once a second.
  void tick();
  void stop();

 private:
  Task<> accept();
  Task<> carry(std::shared_ptr<Arrival> arrival);
  void shed(const boost::system::error_code& error);
  void keep_reserve();
  void tell_well_again();

  Loop& loop_;
  Log& log_;
  const Clock& clock_;
  Serve serve_;
  std::optional<boost::asio::ip::tcp::acceptor> acceptor_;
  std::list<std::shared_ptr<Arrival>> open_;
  std::size_t most_open_ = 0;
  std::optional<Instant> trouble_at_;  // the last time that a connection could not be taken
  int reserve_ = -1;  // given up for a moment to accept and close a connection when the table is full
  TaskGroup tasks_;
};

}  // namespace parallax
