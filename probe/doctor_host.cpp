#include "probe/doctor_host.h"

#include <fmt/format.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <pwd.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "base/file.h"
#include "probe/doctor_certificate.h"
#include "probe/doctor_controllers.h"
#include "probe/net/http_engine.h"
#include "probe/net/icmp.h"
#include "probe/net/icmp_socket.h"
#include "probe/net/target.h"
#include "probe/net/tls_settings.h"
#include "probe/net/trust.h"

namespace fs = std::filesystem;
namespace asio = boost::asio;

namespace parallax {
namespace {

// A file of /proc or /sys in one line: "0\t2147483647\n" is "0 2147483647"; empty where it is not there.
std::string kernel_says(const std::string& file) {
  std::ifstream in(file);
  std::string all;
  for (std::string word; in >> word;) all += (all.empty() ? "" : " ") + word;
  return all;
}

IcmpSeen see_icmp(bool v6) {
  const auto socket = IcmpSocket::open(v6);
  return {v6, socket ? 0 : socket.error(), socket && socket->is_raw(),
          kernel_says("/proc/sys/net/ipv4/ping_group_range")};
}

Task<EchoSeen> see_echo(IcmpSockets& icmp, const Clock& clock) {
  EchoSeen seen;
  co_await icmp.settled();
  const EchoOptions options;
  const auto ourselves = asio::ip::make_address("127.0.0.1");
  const auto run = icmp.begin(ourselves, options);
  if (!run || !(*run)->send()) co_return seen;
  seen.sent = true;
  const Instant deadline = clock.now() + std::chrono::seconds(1);
  while ((*run)->answered() == 0 && clock.now() < deadline) co_await (*run)->wait_until(deadline);
  (*run)->collect();
  const auto& echo = (*run)->echoes().front();
  seen.answered = echo.received.has_value();
  if (!seen.answered) co_return seen;
  seen.stamped = echo.sent.stamp && echo.received->stamp;
  seen.took = round_trip(echo).time;
  co_return seen;
}

// The address of an interface that others could reach; empty for none of the family, loopback and link-local.
std::string address_beyond_the_link(const sockaddr* raw, bool v6) {
  if (raw == nullptr || raw->sa_family != (v6 ? AF_INET6 : AF_INET)) return "";
  asio::ip::address address;
  if (v6) {
    asio::ip::address_v6::bytes_type bytes;
    const auto& in = reinterpret_cast<const sockaddr_in6*>(raw)->sin6_addr;
    std::copy(std::begin(in.s6_addr), std::end(in.s6_addr), bytes.begin());
    address = asio::ip::address_v6(bytes);
    if (address.to_v6().is_link_local()) return "";
  } else {
    address = asio::ip::address_v4(ntohl(reinterpret_cast<const sockaddr_in*>(raw)->sin_addr.s_addr));
  }
  return address.is_loopback() ? "" : address.to_string();
}

FamilySeen see_family(bool v6) {
  FamilySeen seen;
  seen.v6 = v6;
  seen.in_kernel = !v6 || fs::exists("/proc/net/if_inet6");
  seen.switched_off = v6 && kernel_says("/proc/sys/net/ipv6/conf/all/disable_ipv6") == "1";
  ifaddrs* first = nullptr;
  if (getifaddrs(&first) == 0) {
    for (const ifaddrs* one = first; one != nullptr; one = one->ifa_next)
      if (auto address = address_beyond_the_link(one->ifa_addr, v6); !address.empty())
        seen.addresses.push_back(std::move(address));
    freeifaddrs(first);
  }
  seen.has_way = has_way_out(v6);
  return seen;
}

AuthoritiesSeen see_authorities() {
  TrustStores stores;
  const auto found = stores.find("");
  return {stores.roots_file(), found ? (*found)->size : 0, found ? "" : found.error().detail};
}

Finding look_at_names() {
  const std::string file = "/etc/resolv.conf";
  const auto content = read_whole_file(file, 1 << 20);
  return names_finding(file, content ? *content : "", content ? "" : content.error().what);
}

Finding look_at_descriptors() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  return descriptors_finding(limit.rlim_cur, limit.rlim_max);
}

ClockSeen see_clock() {
  ClockSeen seen;
  timex told{};
  const int state = adjtimex(&told);
  if (state < 0) seen.error = errno;
  seen.unsynchronised = state == TIME_ERROR || (told.status & STA_UNSYNC) != 0;
  seen.estimated_error = std::chrono::microseconds(told.esterror);
  seen.maximum_error = std::chrono::microseconds(told.maxerror);
  for (const auto& [program, service] : {std::pair{"/usr/sbin/chronyd", "chrony"},
                                         {"/usr/sbin/ntpd", "ntpsec"},
                                         {"/lib/systemd/systemd-timesyncd", "systemd-timesyncd"}})
    if (seen.service.empty() && fs::exists(program)) seen.service = service;
  return seen;
}

Task<LatenessSeen> see_lateness(const Clock& clock) {
  constexpr int kTicks = 20;
  constexpr Milliseconds kTick{10};
  LatenessSeen seen;
  for (int i = 0; i < kTicks; ++i) {
    const Instant due = clock.now() + kTick;
    co_await sleep_until(due);
    seen.worst = std::max<Nanoseconds>(seen.worst, clock.now() - due);
  }
  seen.cpus = std::max(1u, std::thread::hardware_concurrency());
  if (getloadavg(&seen.load, 1) != 1) seen.load = 0;
  seen.nice = getpriority(PRIO_PROCESS, 0);
  co_return seen;
}

StateDirSeen see_state_dir(const proto::ProbeSettings& settings) {
  StateDirSeen seen;
  seen.path = settings.state_dir();
  seen.user = user_of_process();
  seen.wanted_bytes = static_cast<std::uint64_t>(settings.spool().max_bytes());
  std::error_code error;
  seen.is_directory = fs::is_directory(seen.path, error);
  if (::access(seen.path.c_str(), W_OK | X_OK) != 0) seen.error = errno;
  if (struct statvfs room{}; seen.error == 0 && statvfs(seen.path.c_str(), &room) == 0)
    seen.free_bytes = static_cast<std::uint64_t>(room.f_bavail) * room.f_frsize;
  return seen;
}

}  // namespace

std::string user_of_process() {
  const auto id = geteuid();
  const passwd* entry = getpwuid(id);
  return entry != nullptr ? entry->pw_name : std::to_string(id);
}

Task<std::vector<Finding>> look_at_host(Loop& loop, const Clock& clock) {
  std::vector<Finding> findings;
  const IcmpSeen icmp_v4 = see_icmp(false);
  findings.push_back(icmp_finding(icmp_v4));
  findings.push_back(icmp_finding(see_icmp(true)));
  if (icmp_v4.error == 0) {
    IcmpSockets icmp(loop, clock);
    const EchoSeen echo = co_await see_echo(icmp, clock);
    findings.push_back(stamps_finding(echo));
  }
  const FamilySeen v4 = see_family(false);
  const FamilySeen v6 = see_family(true);
  findings.push_back(family_finding(v4, v6));
  findings.push_back(family_finding(v6, v4));
  findings.push_back(look_at_names());
  findings.push_back(http_finding(http_versions(), http_library()));
  findings.push_back(tls_finding(tls_versions(), tls_library()));
  findings.push_back(authorities_finding(see_authorities()));
  findings.push_back(look_at_descriptors());
  findings.push_back(clock_finding(see_clock()));
  const LatenessSeen lateness = co_await see_lateness(clock);
  findings.push_back(lateness_finding(lateness));
  co_return findings;
}

Task<std::vector<Finding>> look_at_settings(const proto::ProbeSettings& settings, Loop& loop, const Clock& clock) {
  std::vector<Finding> findings;
  findings.push_back(state_dir_finding(see_state_dir(settings)));
  findings.push_back(certificate_finding(settings, clock.wall(), user_of_process()));
  const auto controllers = co_await look_at_controllers(settings, loop, clock);
  findings.insert(findings.end(), controllers.begin(), controllers.end());
  co_return findings;
}

}  // namespace parallax
