#include "probe/net/guard.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/asio/ip/network_v4.hpp>
#include <boost/asio/ip/network_v6.hpp>
#include <charconv>
#include <span>
#include <string_view>

namespace asio = boost::asio;

namespace parallax {
namespace {

// What an address is refused as. A range that `forced_only` says is opened only by a prefix inside it, so that
// `allow = ["0.0.0.0/0"]` cannot open a cloud's metadata service.
struct Range {
  std::string_view base;
  unsigned length;
  std::string_view called;
  bool forced_only;
};

// Sources: IANA's special-purpose address registries (RFC 6890), RFC 6598 (100.64/10), the clouds' manuals.
constexpr std::array kRanges = {
    Range{"0.0.0.0", 8, "an unspecified address", true},
    Range{"10.0.0.0", 8, "a private address", false},
    Range{"100.64.0.0", 10, "a private address", false},
    Range{"100.100.100.200", 32, "a cloud metadata address", true},
    Range{"127.0.0.0", 8, "a loopback address", false},
    Range{"168.63.129.16", 32, "a cloud metadata address", true},
    Range{"169.254.0.0", 16, "a link-local address", true},
    Range{"169.254.169.254", 32, "a cloud metadata address", true},
    Range{"169.254.170.2", 32, "a cloud metadata address", true},
    Range{"172.16.0.0", 12, "a private address", false},
    Range{"192.0.0.0", 24, "a private address", false},
    Range{"192.0.0.192", 32, "a cloud metadata address", true},
    Range{"192.168.0.0", 16, "a private address", false},
    Range{"198.18.0.0", 15, "a private address", false},
    Range{"224.0.0.0", 4, "a multicast address", true},
    Range{"240.0.0.0", 4, "a reserved address", true},
    Range{"255.255.255.255", 32, "the broadcast address", true},
    Range{"::", 128, "the unspecified address", true},
    Range{"::1", 128, "a loopback address", false},
    Range{"64:ff9b:1::", 48, "a private address", false},  // RFC 8215: NAT64 for local use
    Range{"fc00::", 7, "a private address", false},
    Range{"fd00:ec2::254", 128, "a cloud metadata address", true},
    Range{"fd20:ce::254", 128, "a cloud metadata address", true},
    Range{"fe80::", 10, "a link-local address", true},
    Range{"fec0::", 10, "a private address", false},
    Range{"ff00::", 8, "a multicast address", true},
};

// IPv6 ranges that carry an IPv4 address, and at which byte.
struct Wrapping {
  std::string_view base;
  unsigned length;
  std::size_t offset;
};
constexpr std::array kWrappings = {
    Wrapping{"::ffff:0:0", 96, 12},    // mapped, RFC 4291
    Wrapping{"64:ff9b::", 96, 12},     // NAT64, RFC 6052
    Wrapping{"2002::", 16, 2},         // 6to4, RFC 3056
    Wrapping{"::ffff:0:0:0", 96, 12},  // translated, RFC 2765
};

// The address in network order; an IPv4 one in the first four bytes.
struct Bytes {
  bool v4 = false;
  std::array<unsigned char, 16> bytes{};
};

Bytes bytes_of(const asio::ip::address& address) {
  if (address.is_v6()) return {false, address.to_v6().to_bytes()};
  Bytes made{true, {}};
  const auto four = address.to_v4().to_bytes();
  std::copy(four.begin(), four.end(), made.bytes.begin());
  return made;
}

bool contains(const Bytes& base, unsigned length, const Bytes& address) {
  if (base.v4 != address.v4) return false;
  const std::size_t whole = length / 8;
  if (!std::equal(base.bytes.begin(), base.bytes.begin() + whole, address.bytes.begin())) return false;
  const unsigned rest = length % 8;
  if (rest == 0) return true;
  const unsigned mask = (0xffU << (8 - rest)) & 0xffU;
  return (base.bytes[whole] & mask) == (address.bytes[whole] & mask);
}

// The tables' addresses are constants: parsed once for all guards.
template <class Entry, std::size_t kSize>
std::array<Bytes, kSize> parsed(const std::array<Entry, kSize>& table) {
  std::array<Bytes, kSize> all;
  for (std::size_t i = 0; i < kSize; ++i) all[i] = bytes_of(asio::ip::make_address(table[i].base));
  return all;
}

const Wrapping* wrapping_of(const asio::ip::address& address) {
  static const auto bases = parsed(kWrappings);
  if (address.is_v4()) return nullptr;
  const Bytes bytes = bytes_of(address);
  for (std::size_t i = 0; i < bases.size(); ++i)
    if (contains(bases[i], kWrappings[i].length, bytes)) return &kWrappings[i];
  return nullptr;
}

// The IPv4 address inside an IPv6 one that carries one; else the address, without its scope.
asio::ip::address unwrapped(const asio::ip::address& address) {
  if (address.is_v4()) return address;
  const auto bytes = address.to_v6().to_bytes();
  const auto four = [&](std::size_t offset) {
    return asio::ip::address_v4({bytes[offset], bytes[offset + 1], bytes[offset + 2], bytes[offset + 3]});
  };
  if (const Wrapping* wrapping = wrapping_of(address)) return four(wrapping->offset);
  // ::a.b.c.d, long given up (RFC 4291 2.5.5.1) but still understood by some: not :: and not ::1.
  bool compatible = true;
  for (std::size_t i = 0; i < 12; ++i) compatible = compatible && bytes[i] == 0;
  if (compatible && four(12).to_uint() > 1) return four(12);
  return asio::ip::address_v6(bytes);
}

std::optional<unsigned> length_from(std::string_view text, unsigned most) {
  unsigned length = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), length);
  if (error != std::errc() || end != text.data() + text.size() || length > most) return std::nullopt;
  return length;
}

}  // namespace

Result<Guard> Guard::from_prefixes(const std::vector<std::string>& allow) {
  Guard guard;
  for (const std::string& text : allow) {
    const auto slash = text.find('/');
    boost::system::error_code error;
    const auto base = asio::ip::make_address(text.substr(0, slash), error);
    const unsigned most = !error && base.is_v6() ? 128 : 32;
    const auto length =
        slash == std::string::npos ? most : length_from(std::string_view(text).substr(slash + 1), most);
    if (error || !length || text.find('%') != std::string::npos)
      return failure(
          fmt::format("\"{}\" is not an address prefix; write one like \"10.0.0.0/8\" or \"fd00::/8\"", text));
    if (wrapping_of(base))
      return failure(fmt::format("\"{}\" carries IPv4 addresses; write the IPv4 prefix that it stands for", text));
    if (base.is_v6()) {
      const auto masked =
          asio::ip::make_network_v6(base.to_v6(), static_cast<unsigned short>(*length)).canonical();
      if (masked.address() != base)
        return failure(
            fmt::format("\"{}\" has bits behind its length; did you mean \"{}\"?", text, masked.to_string()));
    } else {
      const auto masked =
          asio::ip::make_network_v4(base.to_v4(), static_cast<unsigned short>(*length)).canonical();
      if (masked.address() != base)
        return failure(
            fmt::format("\"{}\" has bits behind its length; did you mean \"{}\"?", text, masked.to_string()));
    }
    guard.allow_.push_back({base, *length});
  }
  return guard;
}

Guard Guard::by_hand() {
  Guard guard;
  guard.allow_.push_back({asio::ip::address_v4::any(), 0});
  guard.allow_.push_back({asio::ip::address_v6::any(), 0});
  return guard;
}

void Guard::deny_endpoint(asio::ip::address address, std::uint16_t port) {
  denied_endpoints_.emplace_back(unwrapped(address), port);
}

std::optional<std::string> Guard::refuses(const asio::ip::address& address, std::uint16_t port) const {
  const asio::ip::address inner = unwrapped(address);
  const auto named = [&] {
    return inner.is_v4() == address.is_v4()
               ? address.to_string()
               : fmt::format("{} (stands for {})", address.to_string(), inner.to_string());
  };
  for (const auto& [denied, denied_port] : denied_endpoints_)
    if (port != 0 && denied == inner && denied_port == port)
      return fmt::format("{} port {} is this probe's own controller", named(), port);

  static const auto bases = parsed(kRanges);
  const Bytes bytes = bytes_of(inner);
  const auto opened = [&](std::size_t i) {
    for (const Prefix& prefix : allow_) {
      const Bytes base = bytes_of(prefix.base);
      if (!contains(base, prefix.length, bytes)) continue;
      const bool inside = prefix.length >= kRanges[i].length && contains(bases[i], kRanges[i].length, base);
      if (!kRanges[i].forced_only || inside) return true;
    }
    return false;
  };
  // Of several ranges the narrowest is the best name for people.
  const Range* refused = nullptr;
  for (std::size_t i = 0; i < kRanges.size(); ++i)
    if (contains(bases[i], kRanges[i].length, bytes) && !opened(i) &&
        (!refused || kRanges[i].length > refused->length))
      refused = &kRanges[i];
  if (!refused) return std::nullopt;
  return fmt::format("{} is {}; the probe's [guard] allow does not open it", named(), refused->called);
}

}  // namespace parallax
