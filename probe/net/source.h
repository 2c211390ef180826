// Where a check's packets leave this host: a local address or an interface that its definition names.
#pragma once

#include <boost/asio/ip/address.hpp>
#include <optional>
#include <string>

#include "probe/outcome.h"

namespace parallax {

// Neither is set: wherever the kernel's routes lead.
struct Source {
  std::optional<boost::asio::ip::address> address;
  std::string interface;  // "eth1"

  bool is_set() const { return address || !interface.empty(); }
};

// From the definition's word: an address literal, else the name of an interface; empty for none.
Source source_from(const std::string& word);

// Ties a socket of the family `v6` to the source before it connects. 0 or the errno: EADDRNOTAVAIL for an address
// that is not this host's or of the other family, ENODEV for an interface that is not there.
int bind_to(int descriptor, const Source& source, bool v6);

// What an errno of bind_to() means: probe_fault for a want of descriptors or memory, else probe_isolated.
Failure source_failure(const Source& source, int error);

}  // namespace parallax
