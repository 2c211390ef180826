// A probe that did not measure anything: a connection with a certificate of its own, which sends results of the
// checks it is assigned. Everything the controller can see of it is real: gRPC over mutual TLS (probe/uplink.h),
// batches of probe/batch_encoder.h, the slots of the grid.
//
// Each check's runs go from a few seconds before now to a minute ahead of it, which the controller takes as fresh;
// then they go on with the clock.
#pragma once

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "base/slot_grid.h"
#include "probe/batch_encoder.h"
#include "probe/uplink.h"

namespace parallax {

constexpr std::size_t kRows = 100;
constexpr std::chrono::seconds kOldest{
    4};  // of a new check's first run; it is fresh for 8 s at an interval of 1 s
constexpr std::chrono::seconds kAhead{50};  // the controller takes up to 60 s

inline std::string location_of(int probe) { return fmt::format("l{}", probe); }
inline std::string name_of(int probe) { return fmt::format("p{}", probe); }

// What all probes of this program add up.
struct Tally {
  std::uint64_t results = 0;  // acknowledged
  std::uint64_t rejected = 0;
  std::uint64_t bytes = 0;       // of batches, as gRPC gets them
  std::uint64_t rows = 0;        // in those batches
  std::vector<double> waits_ms;  // from sending a batch to its acknowledgement
};

// A run of an http check that found what it found before; only its times differ.
inline proto::RunResult answered(const proto::AssignedCheck& check) {
  proto::RunResult run;
  run.set_check_id(check.check().id());
  run.set_definition(check.definition());
  run.set_state(proto::STATE_UP);
  run.set_reason(proto::REASON_OK);
  run.set_attempts(1);
  proto::Facts& facts = *run.mutable_facts();
  facts.set_address("192.0.2.7");
  facts.set_ip_protocol(4);
  facts.set_address_hash(1234567890);
  proto::HttpFacts& http = *facts.mutable_http();
  http.set_status(200);
  http.set_version("1.1");
  http.set_redirects(0);
  http.set_content_length(1234);
  http.set_body_bytes(1234);
  http.set_final_url("http://192.0.2.7/health");
  http.set_sent_bytes(120);
  http.set_received_bytes(1450);
  http.set_ssl(false);
  for (const auto phase : {proto::PHASE_CONNECT, proto::PHASE_PROCESSING, proto::PHASE_TRANSFER})
    run.add_phases()->set_phase(phase);
  return run;
}

class SimulatedProbe {
 public:
  SimulatedProbe(Loop& loop, Log& log, const Clock& clock, Tally& tally, const std::string& dir, int number,
                 int port)
      : clock_(clock),
        tally_(tally),
        name_(name_of(number)),
        where_(fmt::format("localhost:{}", port)),
        uplink_(
            loop, log, clock,
            {fmt::format("{}/{}.crt", dir, name_), fmt::format("{}/{}.key", dir, name_), dir + "/ca.crt"},
            [this](const proto::FromController& message) { take(message); },
            [this](const std::string& why) { closed(why); }, [](proto::FromProbe&&) {}) {}

  void dial() {
    if (const auto dialled = uplink_.dial(where_); !dialled) return closed(dialled.error().what);
    proto::FromProbe message;
    proto::Hello& hello = *message.mutable_hello();
    hello.set_version("bench");
    hello.set_spool_id(fmt::format("{:0>16}", name_));
    hello.set_first_sequence(1);
    hello.set_next_sequence(1);
    hello.set_clock_us(unix_us(clock_.wall()));
    hello.set_icmp("none");
    uplink_.send(std::move(message));
  }
  bool is_assigned() const { return assigned_; }
  bool is_idle() const { return in_flight_.empty(); }
  void close() { uplink_.close(); }
  Task<> finished() { return uplink_.finished(); }

  // From now on as many batches as `most` are on their way, until then.
  void send_until(Instant until, std::size_t most) {
    until_ = until;
    most_in_flight_ = most;
    send_more();
  }

  // Sends batches while the probe may and has runs to tell.
  void send_more() {
    while (!checks_.empty() && in_flight_.size() < most_in_flight_ && clock_.now() < until_)
      if (!send_batch()) return;
  }

  // One batch, unless there are too few runs to fill it: small ones would cost more a result than what is
  // measured.
  bool send_batch() {
    const WallTime most = clock_.wall() + kAhead;
    if (!fills_a_batch(most)) return false;
    encoder_.begin(next_sequence_);
    std::size_t passed_over = 0;
    while (encoder_.rows() < kRows && passed_over < checks_.size()) {
      Measured& check = checks_[next_check_++ % checks_.size()];
      if (check.grid.due(check.next_slot) > most) {
        ++passed_over;
        continue;
      }
      passed_over = 0;
      add_row(check, check.run);
    }
    send_encoded();
    return true;
  }

  void beat() {
    proto::FromProbe message;
    message.mutable_heartbeat()->set_clock_us(unix_us(clock_.wall()));
    uplink_.send(std::move(message));
  }

  void flip() {
    if (checks_.empty()) return;
    encoder_.begin(next_sequence_);
    Measured& check = checks_.front();
    proto::RunResult run = check.run;
    run.set_state(proto::STATE_DOWN);
    run.set_reason(proto::REASON_CONNECT_REFUSED);
    run.set_phase(proto::PHASE_CONNECT);
    run.set_detail("192.0.2.7:80 refused the connection");
    add_row(check, run);
    send_encoded();
  }

 private:
  struct Measured {
    proto::RunResult run;
    SlotGrid grid;
    std::int64_t next_slot;
  };
  struct Sent {
    std::uint64_t last_sequence;
    Instant at;
  };

  bool fills_a_batch(WallTime most) const {
    std::int64_t runs = 0;
    for (std::size_t i = 0; i < checks_.size() && runs < std::int64_t{kRows}; ++i) {
      const Measured& check = checks_[(next_check_ + i) % checks_.size()];
      runs += std::max<std::int64_t>(0, check.grid.current(most) + 1 - check.next_slot);
    }
    return runs >= std::int64_t{kRows};
  }

  void take(const proto::FromController& message) {
    if (message.has_assignment()) return take_assignment(message.assignment());
    if (message.has_reject()) tally_.rejected += static_cast<std::uint64_t>(message.reject().sequence_size());
    if (!message.has_ack()) return;
    while (!in_flight_.empty() && in_flight_.front().last_sequence <= message.ack().applied_sequence()) {
      tally_.waits_ms.push_back(1e3 * parallax::seconds(clock_.now() - in_flight_.front().at));
      in_flight_.pop_front();
    }
    tally_.results += message.ack().applied_sequence() - acknowledged_;
    acknowledged_ = message.ack().applied_sequence();
    send_more();
  }

  void take_assignment(const proto::Assignment& part) {
    if (!std::exchange(in_parts_, !part.complete())) checks_.clear();
    for (const auto& check : part.check()) {
      encoder_.assign(check.check().id(), check.definition(), check.number());
      const SlotGrid grid(check.check().id(), Milliseconds(check.check().every_ms()), check.location_index(),
                          check.location_count());
      checks_.push_back({answered(check), grid, grid.current(clock_.wall() - kOldest)});
    }
    assigned_ = part.complete();
  }

  void add_row(Measured& check, proto::RunResult& run) {
    const std::uint64_t noise = fnv1a_64({reinterpret_cast<const char*>(&next_sequence_), 8}) + encoder_.rows();
    run.set_slot(check.next_slot);
    run.set_lateness_us(static_cast<std::int64_t>(50 + noise % 300));
    run.set_started_us(unix_us(check.grid.due(check.next_slot)) + run.lateness_us());
    std::int64_t whole = 0;
    for (int i = 0; i < run.phases_size(); ++i) {
      const auto took = static_cast<std::int64_t>(200'000 + (noise >> (8 * i)) % 12'000'000);
      run.mutable_phases(i)->set_nanoseconds(took);
      whole += took;
    }
    run.set_duration_ns(whole + 150'000);
    ++check.next_slot;
    encoder_.add(run);
  }

  void send_encoded() {
    const std::size_t rows = encoder_.rows();
    proto::FromProbe message;
    *message.mutable_batch() = encoder_.take();
    next_sequence_ += rows;
    tally_.bytes += message.ByteSizeLong();
    tally_.rows += rows;
    in_flight_.push_back({next_sequence_ - 1, clock_.now()});
    uplink_.send(std::move(message));
  }

  void closed(const std::string& why) {
    std::fprintf(stderr, "ingest_bench: %s: %s\n", name_.c_str(), why.c_str());
    std::exit(1);
  }

  const Clock& clock_;
  Tally& tally_;
  std::string name_;
  std::string where_;
  Uplink uplink_;
  BatchEncoder encoder_;
  std::vector<Measured> checks_;
  std::size_t next_check_ = 0;
  bool in_parts_ = false;
  bool assigned_ = false;
  std::uint64_t next_sequence_ = 1;
  std::uint64_t acknowledged_ = 0;
  std::deque<Sent> in_flight_;
  std::size_t most_in_flight_ = 0;
  Instant until_{};
};

}  // namespace parallax
