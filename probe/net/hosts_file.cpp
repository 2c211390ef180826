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

std::size_t HostsFile::HashIgnoringCase::operator()(std::string_view name) const {
  std::size_t hash = 0;
  for (const char c : name) hash = hash * 31 + static_cast<unsigned char>(lower(c));
  return hash;
}

bool HostsFile::SameIgnoringCase::operator()(std::string_view one, std::string_view other) const {
  return std::ranges::equal(one, other, {}, lower, lower);
}

const Addresses& HostsFile::find(std::string_view host) {
  refresh();
  return known(host);
}

const Addresses& HostsFile::find(std::string_view host, Instant now) {
  if (!looked_at_ || now - *looked_at_ >= kIsLookedAtEvery) {
    refresh();
    looked_at_ = now;
  }
  return known(host);
}

const Addresses& HostsFile::known(std::string_view host) const {
  static const Addresses loopback{asio::ip::address_v6::loopback(), asio::ip::address_v4::loopback()};
  static const Addresses none;
  const auto entry = names_.find(host);
  if (entry != names_.end()) return entry->second;
  return is_localhost(host) ? loopback : none;
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
    while (!error && words >> word) names_[word].push_back(address);
  }
}

}  // namespace parallax
