// The TLS handshakes of the fleet port.
//
// A verifier in gRPC is not told whose certificate it sees. So there are a number of handshake slots, each with
// credentials and a verifier of its own that knows which peer its slot is shaking hands with: that is how a
// refusal is logged with the peer's address, and it bounds how many handshakes run at once.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "base/log.h"
#include "base/task.h"
#include "base/time.h"
#include "controller/acceptor.h"
#include "controller/peer_verifier.h"

namespace grpc {
class ServerBuilder;
}

namespace parallax {

// Owned by the fleet server, and outlives its gRPC server. Called on the loop.
class Handshakes {
 public:
  Handshakes(Loop& loop, Log& log, const Clock& clock, PeerVerifier& verifier);
  ~Handshakes();

  // Gives the server that will be built its slots. The certificate files are read again when they change.
  void add_to(grpc::ServerBuilder& builder, const std::string& cert_file, const std::string& key_file);

  // Hands a connection to gRPC through a free slot and stays until its handshake, or it, is over; closes it when
  // there is no slot in time.
  Task<> serve(std::shared_ptr<Arrival> arrival);

  // Connections that wait for a slot give up.
  void stop();

 private:
  struct Members;
  std::unique_ptr<Members> members_;
};

}  // namespace parallax
