// What `doctor` makes of hosts of every kind.
#include "probe/doctor_findings.h"

#include <gmock/gmock.h>

#include <cerrno>

#include "probe/places.h"

namespace parallax {
namespace {

using testing::HasSubstr;
using State = Finding::State;

void expect_well(const Finding& finding) {
  EXPECT_EQ(finding.state, State::ok) << finding.detail;
  EXPECT_EQ(finding.remedy, "") << "there is nothing to mend";
}

void expect(const Finding& finding, State state, const std::string& words, const std::string& remedy) {
  EXPECT_EQ(finding.state, state) << finding.name;
  EXPECT_THAT(finding.detail, HasSubstr(words));
  EXPECT_EQ(finding.remedy, remedy);
}

TEST(Doctor, SaysHowPingsAreSentAndWhyNot) {
  expect_well(icmp_finding({false, 0, false, "0 2147483647"}));
  expect_well(icmp_finding({true, 0, true, "1 0"}));
  EXPECT_THAT(icmp_finding({false, 0, false, "0 5"}).detail, HasSubstr("datagram"));
  EXPECT_THAT(icmp_finding({false, 0, true, "1 0"}).detail, HasSubstr("CAP_NET_RAW"));
  expect(icmp_finding({false, EPERM, false, "1 0"}), State::trouble, "ping_group_range is \"1 0\"",
         "sysctl -w net.ipv4.ping_group_range=\"0 2147483647\"");
  expect(icmp_finding({true, EACCES, false, "1 0"}), State::trouble, "CAP_NET_RAW",
         "sysctl -w net.ipv4.ping_group_range=\"0 2147483647\"");
  expect(icmp_finding({true, EAFNOSUPPORT, false, ""}), State::warning, "no IPv6", "modprobe ipv6");
  expect(icmp_finding({false, EMFILE, false, "1 0"}), State::trouble, "descriptor", "ulimit -n 4096");
}

TEST(Doctor, SaysWhoseClockTimesPings) {
  expect_well(stamps_finding({true, true, true, Milliseconds(1)}));
  expect(stamps_finding({true, true, false, Milliseconds(1)}), State::warning, "timed by the program",
         "uname -a; systemd-detect-virt");
  expect(stamps_finding({true, false, false, {}}), State::warning, "did not answer",
         "sysctl -w net.ipv4.icmp_echo_ignore_all=0");
  expect(stamps_finding({false, false, false, {}}), State::warning, "not looked at", "ip link set lo up");
}

TEST(Doctor, SaysWhatAFamilyLacks) {
  const FamilySeen v4{false, true, false, {"192.0.2.7"}, true};
  expect_well(family_finding(v4, {}));
  FamilySeen v6{true, false, false, {}, false};
  expect(family_finding(v6, v4), State::warning, "kernel has no IPv6", "modprobe ipv6");
  v6.in_kernel = v6.switched_off = true;
  expect(family_finding(v6, v4), State::warning, "switched off", "sysctl -w net.ipv6.conf.all.disable_ipv6=0");
  v6.switched_off = false;
  expect(family_finding(v6, v4), State::warning, "no IPv6 address", "ip -6 address add ADDRESS/64 dev INTERFACE");
  v6.addresses = {"2001:db8::7"};
  expect(family_finding(v6, v4), State::warning, "2001:db8::7, but no default route",
         "ip -6 route add default via GATEWAY");
  EXPECT_EQ(family_finding(v6, FamilySeen()).state, State::trouble) << "no way out in the other family either";
}

TEST(Doctor, SaysWhatTheLibrariesSpeak) {
  expect_well(http_finding({"1.1", "2"}, "nghttp2 1"));
  EXPECT_EQ(http_finding({"1.1", "2"}, "nghttp2 1").detail, "1.1, 2 (nghttp2 1)");
  expect_well(tls_finding({"1.2", "1.3"}, "OpenSSL 3"));
  EXPECT_EQ(tls_finding({"1.3"}, "OpenSSL 3").state, State::trouble);
}

TEST(Doctor, CountsAuthorities) {
  expect_well(authorities_finding({"/etc/roots", 140, ""}));
  EXPECT_EQ(authorities_finding({"/etc/roots", 140, ""}).detail, "140 in /etc/roots");
  expect(authorities_finding({"/etc/roots", 0, "no root certificates in /etc/roots"}), State::trouble,
         "/etc/roots", "apt-get install --reinstall ca-certificates");
}

TEST(Doctor, ReadsWhomNamesAreAskedOf) {
  const auto of = [](const std::string& content) { return names_finding("/etc/resolv.conf", content, ""); };
  expect_well(of("# nameserver 192.0.2.1\nnameserver 192.0.2.53\nsearch example\n nameserver 2001:db8::53\n"));
  EXPECT_EQ(of("#nameserver 192.0.2.1\nnameserver 192.0.2.53\nnameserver 2001:db8::53").detail,
            "/etc/resolv.conf names 192.0.2.53, 2001:db8::53");
  expect(of("search example\n"), State::warning, "names no server", "echo nameserver ADDRESS >> /etc/resolv.conf");
  expect(names_finding("/etc/resolv.conf", "", "cannot be read: Permission denied"), State::warning,
         "cannot be read: Permission denied", "ls -lL /etc/resolv.conf");
}

TEST(Doctor, MeasuresDescriptorsInRuns) {
  expect_well(descriptors_finding(1024, 524288));
  EXPECT_THAT(descriptors_finding(1024, 524288).detail, HasSubstr("1024 until the probe raises that"));
  expect_well(descriptors_finding(364, 364));
  expect(descriptors_finding(363, 363), State::warning, "99 runs", "ulimit -n 4096");
  EXPECT_EQ(descriptors_finding(88, 88).state, State::warning);
  EXPECT_EQ(descriptors_finding(87, 87).state, State::trouble) << "not even for the fewest runs that it begins";
  EXPECT_EQ(runs_within(0), 8u);
  EXPECT_EQ(runs_within(1024), 320u);
  EXPECT_EQ(runs_within(~0ull), 2048u);
}

TEST(Doctor, SaysWhetherTheClockIsKeptAndByWhom) {
  ClockSeen seen{0, false, Milliseconds(2), Milliseconds(40), "chrony"};
  expect_well(clock_finding(seen));
  EXPECT_EQ(clock_finding(seen).detail, "synchronised, estimated error 2.0 ms, at most 40 ms");
  seen.estimated_error = std::chrono::seconds(2);
  expect(clock_finding(seen), State::warning, "off by 2 s", "systemctl enable --now chrony");
  seen.unsynchronised = true;
  expect(clock_finding(seen), State::warning, "nobody keeps this host's clock", "systemctl enable --now chrony");
  seen.service.clear();
  expect(clock_finding(seen), State::warning, "No time service", "apt-get install chrony");
  seen.error = EPERM;
  expect(clock_finding(seen), State::warning, "adjtimex", "timedatectl");
}

TEST(Doctor, SaysWhenTheHostIsTooBusy) {
  expect_well(lateness_finding({Milliseconds(100), 2, 9.5, 0}));
  expect(lateness_finding({Milliseconds(101), 2, 9.5, 0}), State::warning, "probe_overloaded",
         "top -b -n 1 | head -15");
  expect(lateness_finding({Milliseconds(1), 2, 0, 10}), State::warning, "nice 10", "renice -n 0 -p $$");
}

TEST(Doctor, SaysWhatIsWrongWithTheStateDirectory) {
  StateDirSeen seen{"/var/lib/parallax probe", 0, true, 1ull << 30, 64 << 20, "parallax"};
  expect_well(state_dir_finding(seen));
  seen.free_bytes = 63 << 20;
  expect(state_dir_finding(seen), State::warning, "63 MiB free, less than [spool] max_bytes (64 MiB)",
         "df -h '/var/lib/parallax probe'");
  seen.error = EACCES;
  expect(state_dir_finding(seen), State::trouble, "cannot be written by user parallax",
         "chown parallax '/var/lib/parallax probe'");
  seen.error = ENOENT;
  seen.is_directory = false;
  expect(state_dir_finding(seen), State::trouble, "is not there",
         "install -d -m 0700 -o parallax '/var/lib/parallax probe'");
  seen.error = 0;
  expect(state_dir_finding(seen), State::trouble, "is no directory",
         "rm '/var/lib/parallax probe' && install -d -m 0700 -o parallax '/var/lib/parallax probe'");
}

TEST(Doctor, QuotesWhatAShellWouldTakeApart) {
  EXPECT_EQ(for_shell("/etc/parallax/probe.toml"), "/etc/parallax/probe.toml");
  EXPECT_EQ(for_shell("a b; rm -r $HOME"), "'a b; rm -r $HOME'");
  EXPECT_EQ(for_shell("it's"), "'it'\\''s'");
  EXPECT_EQ(for_shell(""), "''");
}

}  // namespace
}  // namespace parallax
