// Names to addresses, without ever holding the loop or another look-up.
#pragma once

#include <boost/asio/ip/address.hpp>
#include <memory>
#include <string>
#include <vector>

#include "base/task.h"
#include "probe/outcome.h"

namespace parallax {

// Which address family a check wants.
enum class Family { any, v4, v6 };

// From the definition's word: "any", "4" or "6".
Family family_from(const std::string& word);

// One for the whole probe. Must outlive the look-ups; a look-up that is cancelled or past its deadline leaves
// nothing behind that could touch its caller.
class Resolver {
 public:
  explicit Resolver(Loop& loop);
  ~Resolver();

  // The addresses of `host` in the resolver's order; never empty. An address literal (also in [brackets]) is
  // itself. Fails with resolve_not_found, resolve_failed or resolve_timeout, and with probe_fault for our own
  // trouble.
  Task<Step<std::vector<boost::asio::ip::address>>> resolve(std::string host, Family family, Instant deadline);

 private:
  struct Channel;
  std::unique_ptr<Channel> channel_;
};

}  // namespace parallax
