// Where a program listens, as people write it: "127.0.0.1:9877", "[::1]:0", "localhost:80".
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <string>
#include <string_view>

#include "base/result.h"

namespace parallax {

// An address and a port; "localhost" is 127.0.0.1. Names are not resolved: what is listened on must not depend on
// a DNS answer. The error shows what was written and what is wanted.
Result<boost::asio::ip::tcp::endpoint> parse_listen_address(std::string_view text);

// "127.0.0.1:9877", "[::1]:9877"
std::string to_text(const boost::asio::ip::tcp::endpoint& endpoint);

// Listens on `where`; the error names address, cause and next step ("Address already in use; ...").
Result<boost::asio::ip::tcp::acceptor> listen_on(const boost::asio::any_io_executor& executor,
                                                 const boost::asio::ip::tcp::endpoint& where);

}  // namespace parallax
