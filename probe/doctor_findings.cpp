#include "probe/doctor_findings.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <sstream>

#include "probe/places.h"

namespace parallax {
namespace {

using State = Finding::State;

constexpr std::size_t kFewRuns = 100;  // at once
constexpr std::uint64_t kComfortableFiles = 4096;
constexpr Nanoseconds kMostClockError = std::chrono::seconds(1);
constexpr Nanoseconds kMostLateness =
    Milliseconds(100);  // beyond it runs are given up as spoiled (finished_run.h)

Finding fine(std::string name, std::string detail) { return {std::move(name), State::ok, std::move(detail), ""}; }

// Whole MiB: nobody on call wants more digits.
std::string mebibytes(std::uint64_t bytes) { return fmt::format("{} MiB", bytes >> 20); }

const char* family(bool v6) { return v6 ? "IPv6" : "IPv4"; }

}  // namespace

std::string to_text(State state) {
  switch (state) {
    case State::ok:
      return "ok";
    case State::warning:
      return "warning";
    case State::trouble:
      break;
  }
  return "trouble";
}

std::string for_shell(const std::string& word) {
  constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:=@%+,-[]";
  if (!word.empty() && word.find_first_not_of(kPlain) == word.npos) return word;
  std::string quoted = "'";
  for (const char c : word) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

Finding icmp_finding(const IcmpSeen& seen) {
  const std::string name = seen.v6 ? "icmp-ipv6" : "icmp-ipv4";
  switch (seen.error) {
    case 0:
      if (!seen.is_raw)
        return fine(name, fmt::format("datagram socket (net.ipv4.ping_group_range is \"{}\")", seen.group_range));
      return fine(name, fmt::format("raw socket, by CAP_NET_RAW; a process without it could send none "
                                    "(net.ipv4.ping_group_range is \"{}\")",
                                    seen.group_range));
    case EAFNOSUPPORT:
    case EPROTONOSUPPORT:
      return {name, State::warning, fmt::format("not possible: this host's kernel has no {}", family(seen.v6)),
              "modprobe ipv6"};
    case EACCES:
    case EPERM:
      return {
          name, State::trouble,
          fmt::format("no ping can be sent: net.ipv4.ping_group_range is \"{}\", which takes in no group of this "
                      "process, and it has no CAP_NET_RAW. One of the two is needed; the first stays over a "
                      "restart when it is in /etc/sysctl.d/, too",
                      seen.group_range),
          "sysctl -w net.ipv4.ping_group_range=\"0 2147483647\""};
    case EMFILE:
    case ENFILE:
      return {name, State::trouble, "no file descriptor is left for a socket",
              fmt::format("ulimit -n {}", kComfortableFiles)};
    default:
      return {name, State::trouble, fmt::format("no socket: {}", std::strerror(seen.error)), "dmesg | tail -20"};
  }
}

Finding stamps_finding(const EchoSeen& seen) {
  const std::string name = "time-stamps";
  if (!seen.sent)
    return {name, State::warning, "not looked at: no echo request to 127.0.0.1 could be sent",
            "ip link set lo up"};
  if (!seen.answered)
    return {name, State::warning,
            "not looked at: 127.0.0.1 did not answer an echo request (switched off, or a firewall)",
            "sysctl -w net.ipv4.icmp_echo_ignore_all=0"};
  if (!seen.stamped)
    return {
        name, State::warning,
        "the kernel stamps no packets here: pings are timed by the program, which a loaded host makes late; move "
        "the probe to a host or virtual machine with a kernel of its own",
        "uname -a; systemd-detect-virt"};
  return fine(name, fmt::format("the kernel times pings at both ends (127.0.0.1: {})", to_text(seen.took)));
}

Finding family_finding(const FamilySeen& seen, const FamilySeen& other) {
  const std::string name = seen.v6 ? "ipv6" : "ipv4";
  const auto addresses = fmt::format("{}", fmt::join(seen.addresses, ", "));
  if (seen.has_way && !seen.addresses.empty()) return fine(name, addresses);
  const auto state = other.has_way ? State::warning : State::trouble;
  const char* ip = seen.v6 ? "ip -6" : "ip";
  if (!seen.in_kernel)
    return {name, state, fmt::format("this host's kernel has no {} (or was started without)", family(seen.v6)),
            "modprobe ipv6"};
  if (seen.switched_off)
    return {name, state, "IPv6 is switched off (net.ipv6.conf.all.disable_ipv6 is 1)",
            "sysctl -w net.ipv6.conf.all.disable_ipv6=0"};
  if (seen.addresses.empty())
    return {name, state,
            fmt::format("no {} address beyond this host: nothing can be reached by it", family(seen.v6)),
            fmt::format("{} address add ADDRESS/{} dev INTERFACE", ip, seen.v6 ? 64 : 24)};
  return {name, state, fmt::format("{}, but no default route: only its own network can be reached", addresses),
          fmt::format("{} route add default via GATEWAY", ip)};
}

Finding http_finding(const std::vector<std::string>& versions, const std::string& library) {
  return fine("http", fmt::format("{} ({})", fmt::join(versions, ", "), library));
}

Finding tls_finding(const std::vector<std::string>& versions, const std::string& library) {
  const auto has = [&](const char* version) {
    return std::find(versions.begin(), versions.end(), version) != versions.end();
  };
  const auto detail = fmt::format("{} ({})", fmt::join(versions, ", "), library);
  if (has("1.2") && has("1.3")) return fine("tls", detail);
  return {"tls", State::trouble, detail + "; 1.2 and 1.3 are needed, the site's OpenSSL settings forbid one",
          "grep -n Protocol /etc/ssl/openssl.cnf"};
}

Finding authorities_finding(const AuthoritiesSeen& seen) {
  if (seen.count > 0) return fine("authorities", fmt::format("{} in {}", seen.count, seen.file));
  return {"authorities", State::trouble, seen.trouble, "apt-get install --reinstall ca-certificates"};
}

Finding names_finding(const std::string& file, const std::string& content, const std::string& trouble) {
  if (!trouble.empty())
    return {"names", State::warning, fmt::format("{} {}; names are asked of 127.0.0.1", file, trouble),
            fmt::format("ls -lL {}", for_shell(file))};
  std::vector<std::string> servers;
  std::istringstream lines(content);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string key;
    std::string server;
    if (words >> key >> server && key == "nameserver") servers.push_back(server);
  }
  if (!servers.empty()) return fine("names", fmt::format("{} names {}", file, fmt::join(servers, ", ")));
  return {"names", State::warning, fmt::format("{} names no server; names are asked of 127.0.0.1", file),
          fmt::format("echo nameserver ADDRESS >> {}", for_shell(file))};
}

Finding descriptors_finding(std::uint64_t soft, std::uint64_t hard) {
  const auto runs = runs_within(hard);
  const auto detail = fmt::format(
      "{}: enough for {} runs at once",
      soft == hard ? fmt::format("{}", hard) : fmt::format("{} ({} until the probe raises that)", hard, soft),
      runs);
  if (runs >= kFewRuns) return fine("descriptors", detail);
  const bool is_too_few = hard < kDescriptorsOfTheProbe + kFewestRuns * kDescriptorsOfARun;
  return {
      "descriptors", is_too_few ? State::trouble : State::warning,
      detail + fmt::format(", which is few. As root, or LimitNOFILE={} in the service's unit", kComfortableFiles),
      fmt::format("ulimit -n {}", kComfortableFiles)};
}

Finding clock_finding(const ClockSeen& seen) {
  if (seen.error != 0)
    return {"clock", State::warning,
            fmt::format("this process may not ask whether the clock is kept (adjtimex: {})",
                        std::strerror(seen.error)),
            "timedatectl"};
  const bool is_far_off = seen.estimated_error > kMostClockError;
  if (!seen.unsynchronised && !is_far_off)
    return fine("clock", fmt::format("synchronised, estimated error {}, at most {}", to_text(seen.estimated_error),
                                     to_text(seen.maximum_error)));
  auto detail = seen.unsynchronised
                    ? std::string("nobody keeps this host's clock: slots run at another time than elsewhere")
                    : fmt::format("the clock may be off by {}", to_text(seen.estimated_error));
  if (seen.service.empty())
    return {"clock", State::warning, detail + ". No time service is installed", "apt-get install chrony"};
  return {"clock", State::warning,
          detail + fmt::format(". {} is installed; it takes a minute or two after a start, and port 123 out",
                               seen.service),
          fmt::format("systemctl enable --now {}", seen.service)};
}

Finding lateness_finding(const LatenessSeen& seen) {
  const auto detail = fmt::format("woke up at most {} late; {} CPU{}, load {:.1f}, nice {}", to_text(seen.worst),
                                  seen.cpus, seen.cpus == 1 ? "" : "s", seen.load, seen.nice);
  if (seen.worst > kMostLateness)
    return {"lateness", State::warning,
            detail + ". The host is too busy: runs that are late so much are given up as probe_overloaded",
            "top -b -n 1 | head -15"};
  if (seen.nice > 0)
    return {"lateness", State::warning, detail + ". Everything of nice 0 goes before the probe",
            "renice -n 0 -p $$"};
  return fine("lateness", detail);
}

Finding state_dir_finding(const StateDirSeen& seen) {
  const auto trouble = [&](const std::string& why, const std::string& remedy) {
    return Finding{"state-dir", State::trouble, seen.path + " " + why, remedy};
  };
  const auto path = for_shell(seen.path);
  const auto made = fmt::format("install -d -m 0700 -o {} {}", seen.user, path);
  if (seen.error == ENOENT) return trouble("is not there", made);
  if (!seen.is_directory) return trouble("is no directory", fmt::format("rm {} && {}", path, made));
  if (seen.error == EROFS)
    return trouble("is on a file system that is read-only",
                   fmt::format("mount -o remount,rw $(findmnt -no TARGET -T {})", path));
  if (seen.error != 0)
    return trouble(fmt::format("cannot be written by user {}: {}", seen.user, std::strerror(seen.error)),
                   fmt::format("chown {} {}", seen.user, path));
  const auto free = seen.path + fmt::format(" can be written, {} free", mebibytes(seen.free_bytes));
  if (seen.free_bytes >= seen.wanted_bytes) return fine("state-dir", free);
  return {"state-dir", State::warning,
          free + fmt::format(", less than [spool] max_bytes ({})", mebibytes(seen.wanted_bytes)),
          fmt::format("df -h {}", path)};
}

}  // namespace parallax
