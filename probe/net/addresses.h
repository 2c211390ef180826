// Addresses of one name: a list without memory of its own as long as there are few, which is nearly always.
#pragma once

#include <boost/asio/ip/address.hpp>
#include <boost/container/small_vector.hpp>

namespace parallax {

using Addresses = boost::container::small_vector<boost::asio::ip::address, 2>;

}  // namespace parallax
