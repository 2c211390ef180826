// Names to addresses, without ever holding the loop or another look-up.
#pragma once

#include <boost/asio/ip/address.hpp>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "base/task.h"
#include "probe/net/addresses.h"
#include "probe/net/file_state.h"
#include "probe/outcome.h"

namespace parallax {

class HostsFile;  // probe/net/hosts_file.h

// Which address family a check wants.
enum class Family { any, v4, v6 };

// From the definition's word: "any", "4" or "6".
inline Family family_from(const std::string& word) {
  return word == "4" ? Family::v4 : word == "6" ? Family::v6 : Family::any;
}

struct ResolverOptions {
  // "192.0.2.53:53" or "[2001:db8::53]:53" instead of the servers of resolv_conf; for tests.
  std::string server = {};
  std::string resolv_conf = "/etc/resolv.conf";  // asked again for its servers when it changes
  std::string hosts = "/etc/hosts";              // likewise
};

// What to look up, of whom, and how long to wait for which family.
struct Query {
  std::string host;
  Family family = Family::any;
  // "192.0.2.53:53" or "[2001:db8::53]:53": this DNS server alone, not the host's and not its hosts file.
  std::string server = {};
  // Until when to wait for one family once the other has given an address: so that a server that drops one kind of
  // question delays a check and does not take it down. Without any address the deadline alone counts.
  Instant v4_by = Instant::max();
  Instant v6_by = Instant::max();
};

// One for the whole probe. Must outlive the look-ups; a look-up that is cancelled or past its deadline leaves
// nothing behind that could touch its caller.
class Resolver {
 public:
  explicit Resolver(Loop& loop, ResolverOptions options = {});
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  // The addresses of `host`, never empty: IPv6 before IPv4, each in the order of the answer. An address literal
  // (also in [brackets], also with a %scope) is itself; then the hosts file is asked, then DNS. Fails with
  // resolve_not_found, resolve_failed or resolve_timeout, and with probe_fault for our own trouble.
  Task<Step<Addresses>> resolve(Query query, Instant deadline);
  Task<Step<Addresses>> resolve(std::string host, Family family, Instant deadline) {
    return resolve(Query{std::move(host), family}, deadline);
  }

  // The same as far as it needs no server: a literal's own address and what the hosts file tells. Empty where a
  // server has to be asked. The hosts file may be seen as it was 100 ms before `now`.
  Step<Addresses> at_hand(const std::string& host, Family family, const std::string& server, Instant now);

 private:
  class Channel;

  // The channel for the host's servers of now, or for the one named. The error is our own trouble.
  Step<std::shared_ptr<Channel>> channel(const std::string& server);
  Step<std::shared_ptr<Channel>> made(const std::string& server);

  Loop& loop_;
  ResolverOptions options_;
  std::unique_ptr<HostsFile> hosts_;
  std::shared_ptr<Channel> channel_;  // look-ups under way share it: an old one lives until its last look-up ends
  FileState channel_made_for_;        // the state of resolv_conf it was made for
  std::map<std::string, std::shared_ptr<Channel>> named_;  // by the server that a check names
};

}  // namespace parallax
