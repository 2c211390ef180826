// A connected TCP socket, in the clear or under TLS. Its reads know when their bytes reached this host, by the
// kernel's stamps, so that a loop that is late to look adds nothing to what is measured.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/task.h"
#include "probe/net/connect.h"
#include "probe/net/tls_handles.h"
#include "probe/net/tls_verify.h"

namespace parallax {

// Owned by one run, in its frame. `clock` outlives it.
class Wire {
 public:
  // Takes over `connected`; no wait lasts beyond `deadline` (steady).
  Wire(TcpSocket connected, const Clock& clock, Instant deadline);
  ~Wire();
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;

  // Makes the TLS handshake and sends nothing of ours over it; what is read and written from here on is under TLS.
  // Returns when it was done. `peer` has its facts afterwards, also when this fails with tls_protocol,
  // tls_timeout, closed_early or probe_fault. A verification that failed is not a failure here: ask
  // peer.failure(). `peer` outlives this.
  Task<Step<Instant>> handshake(TlsPeer& peer);

  // Where the server asked for a client certificate in TLS 1.3 the handshake seems to succeed before the server
  // refuses: reads on for a ticket, an alert or 100 ms. Fails with tls_protocol. Requires: handshake() succeeded.
  Task<Step<void>> hear_refusal();

  enum class Status {
    moved,        // some bytes were
    wants_read,   // nothing now: wait until it can be read
    wants_write,  // or written
    closed,       // the peer said that no more comes (over TLS: with its goodbye)
    cut,          // the peer closed a TLS session without a goodbye, or reset the connection
    broken,       // what came is not TLS, or a TLS alert: see words()
  };
  struct Moved {
    Status status;
    std::size_t size = 0;
  };
  // Never wait. Requires: not empty. Between two waits at most some 64 KiB are read: then read() wants_read, and
  // the next wait is over at once.
  Moved read(std::span<char> into);
  Moved write(std::string_view bytes);

  // When the newest byte of the last read() reached this host.
  Instant arrived() const { return arrived_; }
  // OpenSSL's words for what is broken; empty when it has none.
  const std::string& words() const { return words_; }

  // Returns when it can be read (or written, if that is wanted), or at the deadline.
  enum class Woke { ready, timed_out, stopped };
  Task<Woke> wait_to_read();
  Task<Woke> wait_to_write();
  Task<Woke> wait_for_either();

 private:
  struct Stamped;  // what the BIO works on

  Task<Woke> wait_for(TcpSocket::wait_type what);
  Task<Status> drive_handshake();
  Moved from_ssl(int result);
  void note_arrival();
  void note_emptiness();

  const Clock& clock_;
  TcpSocket socket_;
  SocketDeadline watch_;
  Instant deadline_;
  std::unique_ptr<Stamped> stamped_;
  OpenSsl<ssl_st> tls_;
  TlsPeer* peer_ = nullptr;
  Instant looked_;  // no byte of the next read arrived before
  Instant arrived_;
  std::string words_;
  int system_error_ = 0;  // of the last call that failed
};

}  // namespace parallax
