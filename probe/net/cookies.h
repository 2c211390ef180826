// The cookies of one run (RFC 6265): what the answers of a chain of redirects set and later requests of it show.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "probe/net/url.h"

namespace parallax {

// At most 100, the oldest go first. Of a domain wider than one host no list of public suffixes is asked:
// "Domain=com" is refused, "Domain=co.uk" is not; a run meets few hosts and ends at once.
class Cookies {
 public:
  // One Set-Cookie header of an answer from `url` (5.2, 5.3). What cannot be is ignored, as browsers do.
  void take(std::string_view set_cookie, const Url& url, WallTime now);

  // The Cookie header for a request to `url` (5.4); empty for none.
  std::string header_for(const Url& url, WallTime now) const;

 private:
  struct Cookie {
    std::string name, value, domain, path;
    bool only_this_host = true;
    bool only_secure = false;
    std::optional<double> expires;  // Unix seconds; none: with the run
  };
  std::vector<Cookie> all_;  // in the order in which they were first set
};

}  // namespace parallax
