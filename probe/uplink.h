// The stream to a controller over gRPC with mutual TLS: dial, send, receive, close. It decides nothing: link.h
// does.
//
// gRPC's threads only post to the loop; everything here happens on the loop. The certificate, its key and the
// authorities are read from their files for each dial, so that renewed files are taken up by themselves.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>

#include "base/certificate.h"
#include "base/log.h"
#include "base/result.h"
#include "base/task.h"
#include "proto/fleet.pb.h"

namespace parallax {

// Owned by main (or a test). Loop, log and clock outlive it; finished() comes before it is destroyed.
class Uplink {
 public:
  struct Files {
    std::string cert_file;
    std::string key_file;
    std::string ca_file;
  };
  using Received = std::function<void(const proto::FromController&)>;
  using Closed = std::function<void(const std::string& why)>;  // the stream ended, or could not be opened
  using Written = std::function<void(proto::FromProbe&&)>;     // it is on its way; its memory may be used again

  Uplink(Loop& loop, Log& log, const Clock& clock, Files files, Received received, Closed closed, Written written);
  ~Uplink();

  // Opens a stream to "host:port"; the one before must be closed. A refused handshake shows the probe only a
  // closed connection, so its own certificate is looked at first: the error says exactly what is wrong with it.
  Result<void> dial(const std::string& controller);

  // Sends in order. Requires: dialled, and not closed since.
  void send(proto::FromProbe message);

  // Ends the stream at once; neither received() nor closed() is called for it any more.
  void close();

  // When this probe's certificate, as it is on the disk now, expires; nothing when it cannot be read.
  std::optional<WallTime> certificate_expiry() const;

  // Returns when gRPC has said its last word on every stream. Requires: close() was called.
  Task<> finished();

 private:
  class Stream;
  Loop& loop_;
  const Clock& clock_;
  Files files_;
  Received received_;
  Closed closed_;
  Written written_;
  std::list<Stream*> streams_;  // each deletes itself after gRPC's last word
  Stream* open_ = nullptr;
};

}  // namespace parallax
