#include "probe/net/hosts_file.h"

#include <algorithm>
#include <fstream>
#include <sstream>

#include "probe/net/file_state.h"

namespace asio = boost::asio;

namespace parallax {
namespace {

constexpr Milliseconds kIsLookedAtEvery(100);

constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool is_localhost(std::string_view host) {
  std::string name(host);
  for (char& c : name) c = lower(c);
  return name == "localhost" || name.ends_with(".localhost");
}

}  // namespace

bool HostsFile::IgnoringCase::operator()(std::string_view one, std::string_view other) const {
  return std::ranges::lexicographical_compare(one, other, {}, lower, lower);
}

std::vector<asio::ip::address> HostsFile::find(std::string_view host) {
  refresh();
  return known(host);
}

std::vector<asio::ip::address> HostsFile::find(std::string_view host, Instant now) {
  if (!looked_at_ || now - *looked_at_ >= kIsLookedAtEvery) {
    refresh();
    looked_at_ = now;
  }
  return known(host);
}

std::vector<asio::ip::address> HostsFile::known(std::string_view host) const {
  std::vector<asio::ip::address> found;
  const auto [first, last] = names_.equal_range(host);
  for (auto entry = first; entry != last; ++entry) found.push_back(entry->second);
  if (found.empty() && is_localhost(host))
    found = {asio::ip::address_v6::loopback(), asio::ip::address_v4::loopback()};
  return found;
}

void HostsFile::refresh() {
  const FileState state = file_state(path_);
  if (state == read_for_) return;
  std::ifstream file(path_);
  if (!file && state.exists()) return;  // no descriptor at the moment: the old content is better than none
  names_.clear();
  read_for_ = state;
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line.substr(0, line.find('#')));
    std::string word;
    if (!(words >> word)) continue;
    boost::system::error_code error;
    const auto address = asio::ip::make_address(word, error);
    while (!error && words >> word) names_.emplace(word, address);
  }
}

}  // namespace parallax
