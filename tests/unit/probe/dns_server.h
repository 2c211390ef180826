// A real DNS server for tests, on loopback: honest where its script does not say otherwise.
#pragma once

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/task.h"

namespace parallax {

// A DNS server on loopback, UDP and TCP, that answers by script: a name has A and AAAA records, an rcode or
// silence.
class DnsServer {
 public:
  struct Zone {
    std::vector<std::string> addresses = {};
    int rcode = 0;             // of every answer
    int aaaa_rcode = 0;        // of the answer to AAAA only
    bool silent = false;       // to everything
    bool aaaa_silent = false;  // to AAAA only
    int a_rcode = 0;
    bool a_silent = false;
    std::vector<std::string> aliases = {};  // CNAMEs on the way; the last of them has the addresses
    bool truncated = false;                 // over UDP: only that there is more by TCP
    Milliseconds delay{0};                  // of every answer over UDP
    // What is sent over UDP instead of the right answer; each a datagram.
    std::function<std::vector<std::string>(const std::string& right)> instead = {};
  };
  enum class Tcp { answers, drips, is_silent, closes };

  explicit DnsServer(Loop& loop, const std::string& address = "127.0.0.1") : loop_(loop), udp_(loop), tcp_(loop) {
    const auto own = boost::asio::ip::make_address(address);
    for (boost::system::error_code taken;;) {  // until a port is free in both
      udp_ = boost::asio::ip::udp::socket(loop, {own, 0});
      const boost::asio::ip::tcp::endpoint same(own, udp_.local_endpoint().port());
      tcp_ = boost::asio::ip::tcp::acceptor(loop, same.protocol());
      tcp_.bind(same, taken);
      if (!taken) tcp_.listen(8, taken);
      if (!taken) break;
    }
    receive();
    accept();
  }
  ~DnsServer() {
    for (const auto& dialogue : dialogues_) dialogue->stop();
    for (const auto& timer : timers_) timer->cancel();
  }

  std::string where() const {
    const auto own = udp_.local_endpoint();
    const auto host = own.address().to_string();
    return (own.address().is_v6() ? "[" + host + "]" : host) + ":" + std::to_string(own.port());
  }

  std::map<std::string, Zone> zones;
  Tcp tcp = Tcp::answers;
  int asked = 0;
  int asked_by_tcp = 0;

 private:
  // One client over TCP: its queries and the answers, each with its length before it.
  struct Dialogue {
    explicit Dialogue(boost::asio::ip::tcp::socket peer) : socket(std::move(peer)), timer(socket.get_executor()) {}
    void stop() {
      boost::system::error_code ignored;
      socket.close(ignored);
      timer.cancel();
    }
    boost::asio::ip::tcp::socket socket;
    boost::asio::steady_timer timer;
    std::array<char, 512> piece{};
    std::string asked;  // and not answered yet
    std::string left;   // to be written
  };

  void receive() {
    udp_.async_receive_from(boost::asio::buffer(query_), from_, [this](const auto& error, std::size_t size) {
      if (error) return;
      ++asked;
      answer(std::string(query_.data(), size), from_);
      receive();
    });
  }

  void answer(const std::string& query, boost::asio::ip::udp::endpoint to) {
    const auto zone = zones.find(name_in(query));
    const std::string right = reply_to(query, zone == zones.end() ? nullptr : &zone->second, true);
    if (right.empty()) return;
    std::vector<std::string> datagrams{right};
    if (zone != zones.end() && zone->second.instead) datagrams = zone->second.instead(right);
    if (zone == zones.end() || zone->second.delay == Milliseconds(0)) {
      for (const auto& datagram : datagrams) udp_.send_to(boost::asio::buffer(datagram), to);
      return;
    }
    const auto timer = std::make_shared<boost::asio::steady_timer>(loop_, zone->second.delay);
    timers_.push_back(timer);
    timer->async_wait([this, timer, datagrams, to](const auto& error) {
      if (error) return;
      for (const auto& datagram : datagrams) udp_.send_to(boost::asio::buffer(datagram), to);
    });
  }

  void accept() {
    tcp_.async_accept([this](const auto& error, boost::asio::ip::tcp::socket peer) {
      if (error) return;
      const auto dialogue = std::make_shared<Dialogue>(std::move(peer));
      dialogues_.push_back(dialogue);
      if (tcp == Tcp::closes) dialogue->stop();
      if (tcp == Tcp::answers || tcp == Tcp::drips) serve(dialogue);
      accept();
    });
  }

  void serve(const std::shared_ptr<Dialogue>& dialogue) {
    dialogue->socket.async_read_some(
        boost::asio::buffer(dialogue->piece), [this, dialogue](const auto& error, std::size_t size) {
          if (error) return;
          dialogue->asked.append(dialogue->piece.data(), size);
          answer_all(*dialogue);
          if (tcp == Tcp::drips) return drip(dialogue);
          boost::system::error_code ignored;
          boost::asio::write(dialogue->socket, boost::asio::buffer(dialogue->left), ignored);
          dialogue->left.clear();
          serve(dialogue);
        });
  }

  // Of what a client asked so far, one behind the other.
  void answer_all(Dialogue& dialogue) {
    for (;;) {
      if (dialogue.asked.size() < 2) return;
      const std::size_t size =
          static_cast<unsigned char>(dialogue.asked[0]) * 256U + static_cast<unsigned char>(dialogue.asked[1]);
      if (dialogue.asked.size() < 2 + size) return;
      ++asked_by_tcp;
      const std::string query = dialogue.asked.substr(2, size);
      dialogue.asked.erase(0, 2 + size);
      const auto zone = zones.find(name_in(query));
      const std::string reply = reply_to(query, zone == zones.end() ? nullptr : &zone->second, false);
      dialogue.left += sixteen_bits(reply.size()) + reply;
    }
  }

  void drip(const std::shared_ptr<Dialogue>& dialogue) {
    if (dialogue->left.empty()) return serve(dialogue);
    boost::system::error_code gone;
    boost::asio::write(dialogue->socket, boost::asio::buffer(dialogue->left, 1), gone);
    dialogue->left.erase(0, 1);
    if (gone) return;
    dialogue->timer.expires_after(Milliseconds(1));
    dialogue->timer.async_wait([this, dialogue](const auto& error) {
      if (!error) drip(dialogue);
    });
  }

  static std::string sixteen_bits(std::size_t value) {
    return {static_cast<char>(value >> 8), static_cast<char>(value)};
  }

  // The name that a query asks for.
  static std::string name_in(const std::string& query) {
    std::string name;
    for (std::size_t at = 12; at < query.size() && query[at] != 0;) {
      const std::size_t size = static_cast<unsigned char>(query[at]);
      name += (name.empty() ? "" : ".") + query.substr(at + 1, size);
      at += 1 + size;
    }
    return name;
  }

  static std::string labels_of(const std::string& name) {
    std::string labels;
    for (std::size_t at = 0; at <= name.size();) {
      const std::size_t end = std::min(name.find('.', at), name.size());
      labels += static_cast<char>(end - at) + name.substr(at, end - at);
      at = end + 1;
    }
    return labels + '\0';
  }

  static std::string record(const std::string& owner, int type, const std::string& data) {
    return owner + sixteen_bits(static_cast<std::size_t>(type)) + std::string("\x00\x01\x00\x00\x00\x3c", 6) +
           sixteen_bits(data.size()) + data;
  }

  // Empty for silence. Without a zone the name does not exist.
  static std::string reply_to(const std::string& query, const Zone* zone, bool by_udp) {
    const std::size_t question_end = query.find('\0', 12) + 5;
    if (question_end > query.size()) return {};
    const bool asks_v6 = query[question_end - 3] == 28;
    std::string reply = query.substr(0, question_end);
    const auto finish = [&](int flags, int rcode, std::size_t records) {
      reply[2] = static_cast<char>(0x84 | flags);
      reply[3] = static_cast<char>(0x80 | rcode);
      reply.replace(6, 6, sixteen_bits(records) + std::string(4, '\0'));
      return reply;
    };
    if (zone == nullptr) return finish(0, 3, 0);
    if (zone->silent || (asks_v6 ? zone->aaaa_silent : zone->a_silent)) return {};
    const int of_family = asks_v6 ? zone->aaaa_rcode : zone->a_rcode;
    if (const int rcode = of_family != 0 ? of_family : zone->rcode; rcode != 0) return finish(0, rcode, 0);
    if (zone->truncated && by_udp) return finish(0x02, 0, 0);
    std::size_t records = 0;
    std::string owner("\xc0\x0c", 2);  // the name asked for
    for (const auto& alias : zone->aliases) {
      reply += record(owner, 5, labels_of(alias));
      owner = labels_of(alias);
      ++records;
    }
    for (const auto& text : zone->addresses) {
      const auto address = boost::asio::ip::make_address(text);
      if (address.is_v6() != asks_v6) continue;
      std::string data;
      if (asks_v6)
        for (const unsigned char byte : address.to_v6().to_bytes()) data += static_cast<char>(byte);
      else
        for (const unsigned char byte : address.to_v4().to_bytes()) data += static_cast<char>(byte);
      reply += record(owner, asks_v6 ? 28 : 1, data);
      ++records;
    }
    return finish(0, 0, records);
  }

  Loop& loop_;
  boost::asio::ip::udp::socket udp_;
  boost::asio::ip::tcp::acceptor tcp_;
  boost::asio::ip::udp::endpoint from_;
  std::array<char, 512> query_{};
  std::vector<std::shared_ptr<Dialogue>> dialogues_;
  std::vector<std::shared_ptr<boost::asio::steady_timer>> timers_;
};

}  // namespace parallax
