// What `parallax-probe doctor` makes of what it saw of this host: each finding is a function of what was seen, so
// that a test can show it any host.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/time.h"

namespace parallax {

struct Finding {
  // A warning: the probe works, some checks or figures suffer. Trouble: something is missing that a probe needs.
  enum class State { ok, warning, trouble };

  std::string name;  // "icmp-ipv4"
  State state = State::ok;
  std::string detail;
  std::string remedy;  // a command to type; empty when all is well
};

std::string to_text(Finding::State state);  // "ok", "warning", "trouble"

// A word of a remedy, in quotes where a shell would take it for more than one, or for something else.
std::string for_shell(const std::string& word);

struct IcmpSeen {
  bool v6 = false;
  int error = 0;  // errno of opening a socket; 0: it is open
  bool is_raw = false;
  std::string group_range;  // net.ipv4.ping_group_range, which is IPv6's too: "1 0"
};
Finding icmp_finding(const IcmpSeen& seen);

// An echo request to ourselves.
struct EchoSeen {
  bool sent = false;
  bool answered = false;
  bool stamped = false;  // by the kernel, at both ends
  Nanoseconds took{0};
};
Finding stamps_finding(const EchoSeen& seen);

struct FamilySeen {
  bool v6 = false;
  bool in_kernel = true;
  bool switched_off = false;           // net.ipv6.conf.all.disable_ipv6
  std::vector<std::string> addresses;  // beyond this host and its links
  bool has_way = false;                // a route that leads out
};
// Trouble when there is no way out in `other` either.
Finding family_finding(const FamilySeen& seen, const FamilySeen& other);

Finding http_finding(const std::vector<std::string>& versions, const std::string& library);
Finding tls_finding(const std::vector<std::string>& versions, const std::string& library);

struct AuthoritiesSeen {
  std::string file;
  std::size_t count = 0;
  std::string trouble;  // why there are none
};
Finding authorities_finding(const AuthoritiesSeen& seen);

// `content`: of `file` (/etc/resolv.conf); `trouble`: why it cannot be read.
Finding names_finding(const std::string& file, const std::string& content, const std::string& trouble);

// The probe raises the soft limit to the hard one by itself.
Finding descriptors_finding(std::uint64_t soft, std::uint64_t hard);

// What adjtimex(2) tells of the wall clock.
struct ClockSeen {
  int error = 0;  // errno of asking
  bool unsynchronised = false;
  Nanoseconds estimated_error{0};
  Nanoseconds maximum_error{0};
  std::string service;  // who is installed to keep it: "chrony", "systemd-timesyncd"; empty for none that we know
};
Finding clock_finding(const ClockSeen& seen);

// How late the loop woke up, while it did nothing but this.
struct LatenessSeen {
  Nanoseconds worst{0};
  unsigned cpus = 1;
  double load = 0;  // mean of the last minute
  int nice = 0;
};
Finding lateness_finding(const LatenessSeen& seen);

struct StateDirSeen {
  std::string path;
  int error = 0;  // errno of writing there
  bool is_directory = true;
  std::uint64_t free_bytes = 0;
  std::uint64_t wanted_bytes = 0;  // [spool] max_bytes
  std::string user;
};
Finding state_dir_finding(const StateDirSeen& seen);

}  // namespace parallax
