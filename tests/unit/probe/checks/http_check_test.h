// What the tests of http checks share: definitions and servers that misbehave.
#pragma once

#include <dirent.h>

#include <cstdlib>

#include "tests/unit/probe/checks/check_test.h"

namespace parallax {

// What a server does after its last words.
enum class After { close, reset, wait };

inline Task<> play(TestConnection& connection, std::string words, After after) {
  co_await connection.read_request();
  if (!words.empty()) co_await connection.send(std::move(words));
  if (after == After::reset) connection.reset();
  if (after == After::close) connection.close();
  for (int i = 0; after == After::wait && i < 4; ++i) co_await connection.read_some();
}

inline Script script_of(std::string words, After after) {
  return [words, after](TestConnection& connection) { return play(connection, words, after); };
}

inline Task<> play_at_once(TestConnection& connection, std::string words) {
  co_await connection.read_some();
  co_await connection.send(std::move(words));
}

// Answers the first bytes, whatever they are.
inline Script script_at_once(std::string words) {
  return [words](TestConnection& connection) { return play_at_once(connection, words); };
}

inline std::string redirect_to(const std::string& where, const std::string& status = "302 Found",
                               const std::string& headers = "") {
  return answer_of("", "Location: " + where + "\r\n" + headers, status);
}

// Answers by path: `answers` maps the start of the request line to an answer.
inline Task<> play_paths(TestConnection& connection, std::vector<std::pair<std::string, std::string>> answers) {
  co_await connection.read_request();
  std::string answer = answer_of("", "", "404 Not Found");
  for (const auto& [start, one] : answers)
    if (connection.received().starts_with(start)) answer = one;
  co_await connection.send(answer);
}

inline Script paths(std::vector<std::pair<std::string, std::string>> answers) {
  return [answers](TestConnection& connection) { return play_paths(connection, answers); };
}

inline Task<> cut_at_once(TestConnection& connection) {
  co_await connection.read_some();
  connection.reset();
}

inline Task<> drip_for_ever(TestConnection& connection) {
  co_await connection.read_request();
  bool there = co_await connection.send("HTTP/1.1 200 OK\r\n\r\n");
  while (there) {
    there = co_await connection.send("x");
    if (there) there = co_await sleep_until(in_ms(20));
  }
}

inline Task<> flood_for_ever(TestConnection& connection) {
  co_await connection.read_request();
  bool there = co_await connection.send("HTTP/1.1 200 OK\r\n\r\n");
  while (there) there = co_await connection.send(std::string(65536, 'x'));
}

inline Task<> never_read(TestConnection&) { co_await sleep_until(in_ms(2000)); }

inline std::string header_lines(int count) {
  std::string lines;
  for (int i = 0; i < count; ++i) lines += "X-" + std::to_string(i) + ": 1\r\n";
  return lines;
}

inline int open_descriptors() {
  int count = 0;
  DIR* directory = ::opendir("/proc/self/fd");
  while (::readdir(directory)) ++count;
  ::closedir(directory);
  return count;
}

// Sends `words` at once and then `again` every few milliseconds, for as long as the peer is there.
inline Task<> drip(TestConnection& connection, std::string words, std::string again) {
  co_await connection.read_some();
  bool there = words.empty() || co_await connection.send(std::move(words));
  while (there) {
    there = co_await connection.send(again);
    if (there) there = co_await sleep_until(in_ms(10));
  }
}

inline Script dripping(std::string words, std::string again) {
  return [words, again](TestConnection& connection) { return drip(connection, words, again); };
}

class HttpCheckTest : public CheckTest {
 protected:
  proto::Check check(const std::string& url) {
    proto::Check made;
    made.set_target(url);
    made.set_ip("any");
    auto& keys = *made.mutable_http();
    keys.set_url(url);
    keys.set_method("GET");
    keys.set_http_version("auto");
    keys.set_follow_redirects(10);
    keys.set_max_body_bytes(1 << 20);
    keys.mutable_tls()->set_ca_pem(ca.cert_pem);
    return made;
  }

  static void set_text(proto::Check& check, const std::string& name, const std::string& text) {
    (*check.mutable_http()->mutable_headers())[name].set_text(text);
  }

  TestCertificate ca = make_authority("Example CA");
};

}  // namespace parallax
