// A real DNS server for tests, on loopback.
#pragma once

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/udp.hpp>
#include <map>
#include <string>
#include <vector>

#include "base/task.h"

namespace parallax {

// A DNS server on loopback that answers by script: a name is an A record, an AAAA record, an rcode or silence.
class DnsServer {
 public:
  struct Zone {
    std::vector<std::string> addresses;
    int rcode = 0;             // of every answer
    int aaaa_rcode = 0;        // of the answer to AAAA only
    bool silent = false;       // to everything
    bool aaaa_silent = false;  // to AAAA only
  };

  explicit DnsServer(Loop& loop) : socket_(loop, {boost::asio::ip::address_v4::loopback(), 0}) { receive(); }
  std::string where() const { return "127.0.0.1:" + std::to_string(socket_.local_endpoint().port()); }

  std::map<std::string, Zone> zones;
  int asked = 0;

 private:
  void receive() {
    socket_.async_receive_from(boost::asio::buffer(query_), from_, [this](const auto& error, std::size_t size) {
      if (error) return;
      ++asked;
      answer(size);
      receive();
    });
  }

  void answer(std::size_t size) {
    std::string name;
    std::size_t at = 12;
    while (at < size && query_[at] != 0) {
      if (!name.empty()) name += '.';
      name.append(query_.data() + at + 1, static_cast<unsigned char>(query_[at]));
      at += 1 + static_cast<unsigned char>(query_[at]);
    }
    const bool asks_v6 = query_[at + 2] == 28;
    const auto zone = zones.find(name);
    std::string reply(query_.data(), at + 5);
    reply[2] = static_cast<char>(0x84);
    reply[3] = static_cast<char>(0x80);
    reply[6] = reply[7] = reply[8] = reply[9] = reply[10] = reply[11] = 0;
    if (zone == zones.end()) {
      reply[3] = static_cast<char>(0x83);
    } else {
      if (zone->second.silent || (asks_v6 && zone->second.aaaa_silent)) return;
      const int rcode = asks_v6 && zone->second.aaaa_rcode ? zone->second.aaaa_rcode : zone->second.rcode;
      reply[3] = static_cast<char>(0x80 | rcode);
      for (const std::string& text : zone->second.addresses) {
        const auto address = boost::asio::ip::make_address(text);
        if (address.is_v6() != asks_v6 || rcode) continue;
        ++reply[7];
        reply += std::string("\xc0\x0c\x00", 3) + static_cast<char>(asks_v6 ? 28 : 1) +
                 std::string("\x00\x01\x00\x00\x00\x3c\x00", 7) + static_cast<char>(asks_v6 ? 16 : 4);
        if (asks_v6)
          for (const unsigned char byte : address.to_v6().to_bytes()) reply += static_cast<char>(byte);
        else
          for (const unsigned char byte : address.to_v4().to_bytes()) reply += static_cast<char>(byte);
      }
    }
    socket_.send_to(boost::asio::buffer(reply), from_);
  }

  boost::asio::ip::udp::socket socket_;
  boost::asio::ip::udp::endpoint from_;
  std::array<char, 512> query_{};
};

}  // namespace parallax
