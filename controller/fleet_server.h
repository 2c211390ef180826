// The fleet port: gRPC with mutual TLS. The one door to gRPC; its threads only post to the loop.
//
// gRPC does not accept (acceptor.h) and does not judge certificates (peer_verifier.h,
// fleet_server_handshakes.h).
#pragma once

#include <memory>
#include <string>

#include "base/log.h"
#include "base/result.h"
#include "base/task.h"
#include "base/time.h"
#include "controller/fleet.h"
#include "proto/settings.pb.h"

namespace parallax {

// Owned by main; everything it takes by reference outlives it. Called on the loop.
class FleetServer {
 public:
  FleetServer(Loop& loop, Log& log, const Clock& clock, Fleet& fleet);
  ~FleetServer();

  // Looks at our own certificate and the authorities; the error names the file, what is wrong and the next step.
  Result<void> prepare(const proto::FleetSettings& settings);

  // Starts gRPC and listens; returns where (the port taken for port 0). Requires: prepare() succeeded.
  Result<std::string> listen();

  // Looks whether certificate files changed, closes what is stuck. Call it about once a second.
  void tick();

  // Ends every session, then the server. The loop must go on running until this returns.
  Task<> stop();

 private:
  struct Members;
  std::unique_ptr<Members> members_;
};

}  // namespace parallax
