// The host's own table of names, /etc/hosts: asked before DNS.
#pragma once

#include <boost/asio/ip/address.hpp>
#include <map>
#include <string>
#include <vector>

#include "probe/net/file_state.h"

namespace parallax {

// Read again when the file changes. `localhost` and what ends in `.localhost` are loopback in any case (RFC
// 6761, 6.3).
class HostsFile {
 public:
  explicit HostsFile(std::string path) : path_(std::move(path)) {}

  // Every address of `host`, ASCII case ignored, in the order of the file.
  std::vector<boost::asio::ip::address> find(const std::string& host);

 private:
  void refresh();

  std::string path_;
  FileState read_for_;  // the state of the file that names_ was read from
  std::multimap<std::string, boost::asio::ip::address> names_;
};

}  // namespace parallax
