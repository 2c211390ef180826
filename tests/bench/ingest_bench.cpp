// Many simulated probes (simulated_probe.h) in one program. tests/bench/controller starts it and the controller,
// and measures the latter.
//
//   ingest_bench certificates DIR PROBES     an authority, the controller's and every probe's
//   ingest_bench probes DIR PROBES PORT      connects them all, then does what stdin says, a word a line:
//     send SECONDS [RATE]   sends batches of 100 results for so long: as many as are acknowledged, or RATE results
//     a
//                           second; what came of it is one line of JSON
//     flip                  one result of one check that is down; answers when it is acknowledged
//     quit
#include <algorithm>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <sstream>

#include "tests/bench/simulated_probe.h"
#include "tests/unit/probe/test_certificates.h"

namespace parallax {
namespace {

namespace asio = boost::asio;
using std::chrono::seconds;

constexpr std::size_t kMostInFlight = 4;  // batches of one probe: far below its window of 256 KiB
constexpr std::size_t kMostInFlightOfAll = 200;
constexpr int kDialsAtOnce = 16;

void write_file(const std::string& path, const std::string& text) { std::ofstream(path) << text; }

void write_certificate(const std::string& stem, const TestCertificate& made) {
  write_file(stem + ".crt", made.cert_pem);
  write_file(stem + ".key", made.key_pem);
}

int make_certificates(const std::string& dir, int probes) {
  const TestCertificate authority = make_authority("Bench CA");
  write_file(dir + "/ca.crt", authority.cert_pem);
  CertificateWish wish;
  wish.common_name = "localhost";
  wish.sans = {"DNS:localhost", "IP:127.0.0.1"};
  wish.purpose = "serverAuth";
  write_certificate(dir + "/controller", make_certificate(wish, &authority));
  wish.purpose = "clientAuth";
  for (int i = 0; i < probes; ++i) {
    wish.common_name = name_of(i);
    wish.sans = {fmt::format("URI:spiffe://parallax/location/{}/probe/{}", location_of(i), name_of(i))};
    write_certificate(fmt::format("{}/{}", dir, name_of(i)), make_certificate(wish, &authority));
  }
  return 0;
}

class FleetOfBench {
 public:
  FleetOfBench(const std::string& dir, int probes, int port) : tasks_(loop_) {
    for (int i = 0; i < probes; ++i)
      probes_.push_back(std::make_unique<SimulatedProbe>(loop_, log_, clock_, tally_, dir, i, port));
  }

  int run() {
    tasks_.spawn("bench", bench());
    loop_.run();
    return 0;
  }

 private:
  Task<> bench() {
    co_await connect();
    tasks_.spawn("heartbeats", heartbeats());
    asio::posix::stream_descriptor in(loop_, ::dup(0));
    asio::streambuf buffer;
    while (true) {
      boost::system::error_code error;
      co_await asio::async_read_until(in, buffer, '\n', asio::redirect_error(asio::use_awaitable, error));
      if (error) break;
      std::istream line(&buffer);
      std::string word;
      double for_seconds = 0;
      double rate = 0;
      std::string rest;
      std::getline(line, rest);
      std::istringstream(rest) >> word >> for_seconds >> rate;
      if (word == "quit") break;
      if (word == "send") co_await send(for_seconds, rate);
      if (word == "flip") co_await flip();
    }
    std::_Exit(0);  // the probes of a power cut: nothing is waited for
  }

  Task<> connect() {
    const Instant start = clock_.now();
    for (std::size_t i = 0; i < probes_.size(); ++i) {
      probes_[i]->dial();
      while (i >= kDialsAtOnce && !probes_[i - kDialsAtOnce]->is_assigned()) co_await pause();
    }
    for (const auto& probe : probes_)
      while (!probe->is_assigned()) co_await pause();
    say(fmt::format("{{\"connected\": {}, \"seconds\": {:.3f}}}", probes_.size(),
                    parallax::seconds(clock_.now() - start)));
  }

  Task<> heartbeats() {
    while (true) {
      const Instant next = clock_.now() + seconds(10);
      const bool going_on = co_await sleep_until(next);
      if (!going_on) co_return;
      for (const auto& probe : probes_) probe->beat();
    }
  }

  Task<> send(double for_seconds, double rate) {
    tally_ = {};
    const Instant start = clock_.now();
    const Instant until =
        start + std::chrono::duration_cast<Nanoseconds>(std::chrono::duration<double>(for_seconds));
    if (rate > 0)
      co_await send_at(rate, start, until);
    else
      co_await send_all(until);
    co_await all_acknowledged();
    auto& waits = tally_.waits_ms;
    std::ranges::sort(waits);
    const auto at = [&](double share) {
      return waits.empty() ? 0 : waits[static_cast<std::size_t>(share * static_cast<double>(waits.size() - 1))];
    };
    say(
        fmt::format("{{\"results\": {}, \"rejected\": {}, \"seconds\": {:.3f}, \"bytes\": {}, \"rows\": {}, "
                    "\"ack_p50_ms\": {:.2f}, \"ack_p99_ms\": {:.2f}, \"ack_most_ms\": {:.2f}}}",
                    tally_.results, tally_.rejected, parallax::seconds(clock_.now() - start), tally_.bytes,
                    tally_.rows, at(0.5), at(0.99), at(1)));
  }

  Task<> send_all(Instant until) {
    const std::size_t most = std::clamp<std::size_t>(kMostInFlightOfAll / probes_.size(), 1, kMostInFlight);
    for (const auto& probe : probes_) probe->send_until(until, most);
    while (clock_.now() < until) {
      co_await pause();
      for (const auto& probe : probes_) probe->send_more();  // those that had told all there was
    }
  }

  // One probe after the other.
  Task<> send_at(double rate, Instant start, Instant until) {
    for (std::size_t sent = 0; clock_.now() < until;) {
      const double due = rate * parallax::seconds(clock_.now() - start) / kRows;
      for (; static_cast<double>(sent) < due; ++sent) probes_[sent % probes_.size()]->send_batch();
      co_await pause();
    }
  }

  Task<> flip() {
    probes_.front()->flip();
    co_await all_acknowledged();
    say("{}");
  }

  Task<> all_acknowledged() {
    for (const auto& probe : probes_)
      while (!probe->is_idle()) co_await pause();
  }

  Task<> pause() {
    const Instant soon = clock_.now() + Milliseconds(2);
    co_await sleep_until(soon);
  }

  static void say(const std::string& line) {
    std::puts(line.c_str());
    std::fflush(stdout);
  }

  SystemClock clock_;
  Log log_{clock_, Log::Format::logfmt, Log::Level::warn};
  Loop loop_;
  Tally tally_;
  std::vector<std::unique_ptr<SimulatedProbe>> probes_;
  TaskGroup tasks_;
};

}  // namespace
}  // namespace parallax

int main(int count, char** words) {
  const std::string what = count > 3 ? words[1] : "";
  if (what == "certificates") return parallax::make_certificates(words[2], std::atoi(words[3]));
  if (what == "probes" && count > 4)
    return parallax::FleetOfBench(words[2], std::atoi(words[3]), std::atoi(words[4])).run();
  std::fputs("ingest_bench certificates DIR PROBES | ingest_bench probes DIR PROBES PORT\n", stderr);
  return 2;
}
