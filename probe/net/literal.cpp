#include "probe/net/literal.h"

#include <fmt/format.h>

#include <algorithm>

namespace asio = boost::asio;

namespace parallax {
namespace {

bool wants(Family family, const asio::ip::address& address) {
  return family == Family::any || (family == Family::v4) == address.is_v4();
}

}  // namespace

void sort_by_family(Addresses& addresses) {
  if (addresses.size() < 2) return;
  std::stable_partition(addresses.begin(), addresses.end(), [](const auto& a) { return a.is_v6(); });
}

Addresses of_family(Family family, Addresses listed) {
  const auto unwanted = [&](const auto& address) { return !wants(family, address); };
  listed.erase(std::remove_if(listed.begin(), listed.end(), unwanted), listed.end());
  sort_by_family(listed);
  return listed;
}

Step<Addresses> of_family(const std::string& host, Family family, const asio::ip::address& literal) {
  if (wants(family, literal)) return Addresses{literal};
  return std::unexpected(Failure{proto::REASON_RESOLVE_NOT_FOUND,
                                 fmt::format("{} is not an IPv{} address", host, family == Family::v4 ? 4 : 6)});
}

std::optional<asio::ip::address> literal(std::string_view host) {
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  const bool may_be_one = host.find(':') != host.npos || (!host.empty() && host[0] >= '0' && host[0] <= '9');
  if (!may_be_one) return std::nullopt;  // told at once: most hosts are names
  boost::system::error_code error;
  const auto address = asio::ip::make_address(host, error);
  if (error) return std::nullopt;
  return address;
}

}  // namespace parallax
