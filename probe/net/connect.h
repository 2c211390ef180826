// A TCP connection to an address that the guard has let through.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <memory>

#include "base/task.h"
#include "probe/net/source.h"
#include "probe/outcome.h"

namespace parallax {

using TcpSocket = boost::asio::ip::tcp::socket;

// A socket that can connect to `to`, tied to `source` where that is set. Made before the clock of the phase
// connect starts: it is this host's work and not on the wire. Fails with probe_isolated and probe_fault.
Step<TcpSocket> open_socket(Loop& loop, const boost::asio::ip::tcp::endpoint& to, const Source& source);

// Connects `socket`, which outlives the task. Fails with connect_refused, connect_unreachable, connect_timeout,
// probe_isolated and probe_fault.
Task<Step<void>> connect_to(TcpSocket& socket, boost::asio::ip::tcp::endpoint to, Instant deadline);

// Both, as the phase connect of a run; it is entered whatever becomes of it.
Task<Step<TcpSocket>> connect_in_phase(Loop& loop, boost::asio::ip::tcp::endpoint to, Source source,
                                       Phases& phases, const Clock& clock, Instant deadline);

// Ends the waits on a socket at a moment. Make one beside the socket, in the same frame.
class SocketDeadline {
 public:
  SocketDeadline(TcpSocket& socket, Instant deadline);
  ~SocketDeadline();
  SocketDeadline(const SocketDeadline&) = delete;
  SocketDeadline& operator=(const SocketDeadline&) = delete;

  bool passed() const { return *passed_; }
  void move_to(Instant deadline);

 private:
  void wait();

  TcpSocket& socket_;
  boost::asio::steady_timer timer_;
  std::shared_ptr<bool>
      passed_;  // shared with the timer's handler, which may outlive this by one turn of the loop
};

}  // namespace parallax
