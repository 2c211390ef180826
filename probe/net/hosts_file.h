// The host's own table of names, /etc/hosts: asked before DNS.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/time.h"
#include "probe/net/addresses.h"
#include "probe/net/file_state.h"

namespace parallax {

// Read again when the file changes. `localhost` and what ends in `.localhost` are loopback in any case (RFC
// 6761, 6.3).
class HostsFile {
 public:
  explicit HostsFile(std::string path) : path_(std::move(path)) {}

  // Every address of `host`, ASCII case ignored, in the order of the file as it is now. Valid until the next call.
  const Addresses& find(std::string_view host);

  // The same, by the file as it was up to 100 ms before `now`: for every run of every check, a look at the file
  // each time would be most of what finding an address costs.
  const Addresses& find(std::string_view host, Instant now);

 private:
  struct HashIgnoringCase {
    using is_transparent = void;
    std::size_t operator()(std::string_view name) const;
  };
  struct SameIgnoringCase {
    using is_transparent = void;
    bool operator()(std::string_view one, std::string_view other) const;
  };
  void refresh();
  const Addresses& known(std::string_view host) const;

  std::string path_;
  FileState read_for_;  // the state of the file that names_ was read from
  std::optional<Instant> looked_at_;
  std::unordered_map<std::string, Addresses, HashIgnoringCase, SameIgnoringCase> names_;
};

}  // namespace parallax
