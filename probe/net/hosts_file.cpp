#include "probe/net/hosts_file.h"

#include <algorithm>
#include <cctype>
#include <fstream>
#include <sstream>

#include "probe/net/file_state.h"

namespace asio = boost::asio;

namespace parallax {
namespace {

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

}  // namespace

std::vector<asio::ip::address> HostsFile::find(const std::string& host) {
  refresh();
  std::vector<asio::ip::address> found;
  const std::string name = lower(host);
  const auto [first, last] = names_.equal_range(name);
  for (auto entry = first; entry != last; ++entry) found.push_back(entry->second);
  if (found.empty() && (name == "localhost" || name.ends_with(".localhost")))
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
    while (!error && words >> word) names_.emplace(lower(word), address);
  }
}

}  // namespace parallax
