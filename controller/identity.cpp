#include "controller/identity.h"

#include <fmt/format.h>

#include <algorithm>

namespace parallax {
namespace {

bool is_name(std::string_view text) {
  if (text.empty() || text.size() > 63) return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
  });
}

// Takes `text` up to the next '/', which goes too.
std::string_view take_segment(std::string_view& text) {
  const std::size_t slash = text.find('/');
  const std::string_view segment = text.substr(0, slash);
  text.remove_prefix(slash == std::string_view::npos ? text.size() : slash + 1);
  return segment;
}

}  // namespace

Result<Identity> identity_from_spiffe_id(std::string_view spiffe_id, std::string_view trust_domain) {
  const auto refuse = [&](std::string_view why) {
    return failure(fmt::format("the certificate's name {} {}; it must be spiffe://{}/location/LOCATION/probe/NAME",
                               spiffe_id, why, trust_domain));
  };
  std::string_view rest = spiffe_id;
  if (!rest.starts_with("spiffe://")) return refuse("is not a SPIFFE name");
  rest.remove_prefix(9);
  if (take_segment(rest) != trust_domain) return refuse("is of another trust domain");
  if (take_segment(rest) != "location") return refuse("names no location");
  const std::string_view location = take_segment(rest);
  if (!is_name(location)) return refuse("has a location with other characters than a-z 0-9 - . _");
  if (take_segment(rest) != "probe") return refuse("names no probe");
  if (!is_name(rest)) return refuse("has a probe name with other characters than a-z 0-9 - . _");
  return Identity{std::string(location), std::string(rest)};
}

}  // namespace parallax
