// What `parallax-probe doctor` says of the probe's own certificate.
#pragma once

#include <optional>
#include <string>

#include "base/time.h"
#include "probe/doctor_findings.h"
#include "proto/settings.pb.h"

namespace parallax {

// Whom a probe's certificate names: spiffe://TRUST-DOMAIN/location/LOCATION/probe/NAME.
struct SpiffeName {
  std::string trust_domain;
  std::string location;
  std::string probe;
};
std::optional<SpiffeName> spiffe_name_from(const std::string& text);

// Reads the three files: readable, in date at `now`, signed by an authority of ca_file, the key is the
// certificate's, exactly one SPIFFE name. `user` is who this process is. The remedy makes the request for a new
// certificate, with the name of the old one where that can be read, for the fleet's authority to sign.
Finding certificate_finding(const proto::ProbeSettings& settings, WallTime now, const std::string& user);

}  // namespace parallax
