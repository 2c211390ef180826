// The assignment in force, kept in the state directory: a probe that starts while its controller is away goes on
// with it.
#pragma once

#include <boost/asio/thread_pool.hpp>
#include <filesystem>
#include <optional>
#include <string>

#include "base/log.h"
#include "proto/fleet.pb.h"

namespace parallax {

// Owned by main. `log` outlives it; so does `disk`, the thread that writes.
class KeptAssignment {
 public:
  KeptAssignment(std::filesystem::path file, boost::asio::thread_pool& disk, Log& log);
  ~KeptAssignment();

  // The one that was kept; an empty one where there is none, or none of use, which is told. Blocks.
  proto::Assignment read();

  // Keeps what is in force once `assignment`, whole or a difference, is. Only what changed is written.
  void put(const proto::Assignment& assignment);

 private:
  std::filesystem::path file_;
  boost::asio::thread_pool& disk_;
  Log& log_;
  proto::Assignment held_;
  std::string written_;  // the content of the file, as far as we know
};

}  // namespace parallax
