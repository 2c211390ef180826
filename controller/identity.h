// Who a probe is: the one SPIFFE name of its client certificate.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace parallax {

struct Identity {
  std::string location;
  std::string probe;
  auto operator<=>(const Identity&) const = default;
};

// Reads spiffe://<trust domain>/location/<location>/probe/<name>; the error says which part is not as it must be.
Result<Identity> identity_from_spiffe_id(std::string_view spiffe_id, std::string_view trust_domain);

}  // namespace parallax
