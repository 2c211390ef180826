// The probe's end of the stream as a state machine: events and a clock in, actions out. No gRPC, no timers, no
// log.
//
//   waiting --dial--> greeting (Hello sent) --Welcome--> open --the stream ends, or is held to be dead--> waiting
//
// In `open`, once the checks of this session are known, everything in the spool from the first sequence the
// controller has not applied is sent in order: results in batches, declarations and evictions as gaps. What was
// sent stays in the spool until it is acknowledged; a new session begins again behind the last sequence applied.
// So nothing is lost and, as the controller drops what it has, nothing is counted twice.
//
// A batch goes when 200 records wait, or 100 and the one before is 50 ms old, or the oldest has waited one second,
// or at once when a check changed its state. At most the controller's window (or 256 KiB) is unacknowledged.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/time.h"
#include "probe/batch_encoder.h"
#include "probe/spool.h"
#include "proto/fleet.pb.h"

namespace parallax {

// A moment by both clocks.
struct Moment {
  Instant steady;
  WallTime wall;
};

// What the link wants done, in this order. The caller does it all before the next event.
struct LinkActions {
  std::optional<std::string> close;  // end the stream; nothing more of it may be told to the link
  struct Disconnected {
    std::string why;
    Nanoseconds next_try{0};
    bool was_open = false;  // false: it never came to a session
  };
  std::optional<Disconnected> disconnected;  // the stream is gone, by `close` or by itself
  std::optional<std::size_t> dial;           // open a stream to this one of the controllers
  std::vector<proto::FromProbe> send;        // on the stream, in order
  std::optional<proto::Welcome> welcomed;
  std::vector<proto::Assignment> assignments;  // complete, to be put in force in order
  std::vector<proto::Reject> rejected;
  std::vector<std::string> odd;  // what the controller did that it should not, for the log
};

class Link {
 public:
  struct Settings {
    std::size_t controllers = 1;                // how many there are to dial in turn
    proto::Hello hello;                         // version, icmp, check types, the revision that is kept
    std::function<double()> random;             // evenly in [0, 1): the jitter
    std::function<proto::Heartbeat()> figures;  // the process's own part of a heartbeat
  };
  // `spool` outlives the link.
  Link(Spool& spool, Settings settings);

  // Events. Requires: moments do not go back by the steady clock.
  LinkActions tick(Moment now);  // at wake(), or at any time
  LinkActions received(const proto::FromController& message, Moment now);
  LinkActions closed(const std::string& why, Moment now);  // the stream ended, or could not be opened
  LinkActions recorded(bool state_changed, Moment now);    // the spool has a new record
  LinkActions flush(Moment now);                           // send what there is without waiting

  // A message is on its way: the memory of a batch serves the next one.
  void written(proto::FromProbe&& message) {
    if (message.has_batch()) encoder_.reuse(std::move(*message.mutable_batch()));
  }

  // When tick() is due.
  Instant wake() const;

  bool is_open() const { return state_ == State::open; }
  // The controller has counted everything there is.
  bool all_counted() const { return spool_.first_sequence() == spool_.next_sequence(); }

 private:
  enum class State { waiting, greeting, open };
  struct Sent {
    std::uint64_t last_sequence;
    std::size_t bytes;
  };

  void dial(Moment now, LinkActions& actions);
  void disconnect(const std::string& why, bool close, Moment now, LinkActions& actions);
  Nanoseconds back_off();
  void on_welcome(const proto::Welcome& welcome, Moment now, LinkActions& actions);
  void on_assignment(const proto::Assignment& part, Moment now, LinkActions& actions);
  void on_ack(std::uint64_t applied, Moment now, LinkActions& actions);
  void on_reject(const proto::Reject& reject, Moment now, LinkActions& actions);
  void on_drain(const proto::Drain& drain, Moment now, LinkActions& actions);
  void counted(std::uint64_t sequence);
  void send_heartbeat(Moment now, LinkActions& actions);
  void send_current(LinkActions& actions);
  void send_pending(Moment now, LinkActions& actions);
  bool send_next_gap(LinkActions& actions);
  bool send_next_records(LinkActions& actions);
  bool send_next_results(LinkActions& actions);
  void send_counted(proto::FromProbe message, std::uint64_t last_sequence, LinkActions& actions);
  void send_lost(std::uint64_t last_sequence, LinkActions& actions);

  Spool& spool_;
  Settings settings_;
  State state_ = State::waiting;
  Instant dial_at_{};           // waiting: when to dial
  std::size_t controller_ = 0;  // the one dialled, or to be dialled
  unsigned failures_ = 0;       // in a row, for the back-off
  std::string revision_;        // of the assignment held
  Nanoseconds spread_{0};       // told by Welcome

  // Of the session.
  Instant session_since_{};
  Instant last_heard_{};
  Instant heartbeat_at_{};
  Nanoseconds heartbeat_every_{0};
  std::size_t window_ = 0;
  bool assigned_ = false;                   // the first whole assignment has come: numbers are known
  std::optional<proto::Assignment> parts_;  // of an assignment that is not complete yet
  BatchEncoder encoder_;
  StoredResult row_;  // the one being encoded; its memory is used again
  std::uint64_t next_to_send_ = 1;
  std::deque<Sent> unacknowledged_;
  std::size_t unacknowledged_bytes_ = 0;
  std::uint64_t counted_ = 0;         // by the controller, up to here
  std::set<std::uint64_t> rejected_;  // beyond counted_
  std::optional<Instant> send_by_;    // when what waits goes, whatever its number
  Instant batch_at_{};                // when something was sent last
};

}  // namespace parallax
