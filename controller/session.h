// One probe's session: the protocol of proto/fleet.proto as a state machine. Messages and a clock go in; messages
// and calls to the books come out. No gRPC in here, no threads: everything is called on the loop.
//
//   hello -> welcome, assignment | then, in any order: batch, gap -> journal, ledger, ack; current; heartbeat
//
// Sequences are counted in order and without holes: what is counted already is dropped, the next is counted, and
// after a hole the session is closed, so that the probe resumes from the acknowledged sequence: never guess.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/time.h"
#include "controller/applied_sequences.h"
#include "controller/batch_decoder.h"
#include "controller/book_events.h"
#include "controller/clock_offset.h"
#include "controller/fleet_book.h"
#include "controller/identity.h"
#include "controller/journal.h"
#include "controller/ledger.h"
#include "controller/plan.h"
#include "proto/fleet.pb.h"

namespace parallax {

// A message on its way to a probe. Nobody changes it any more.
using Outgoing = std::shared_ptr<const proto::FromController>;

// The way to one probe. Outlives its session.
class SessionStream {
 public:
  virtual ~SessionStream() = default;
  virtual void send(Outgoing message) = 0;
  // Ends the stream after what was sent; `why` is told to the probe. Called at most once.
  virtual void close(const std::string& why) = 0;
};

// What all sessions write into; outlives them.
struct Books {
  Ledger& ledger;
  FleetBook& fleet;
  Journal& journal;
  BookEvents& events;
  AppliedSequences& sequences;
  Log& log;
  const Clock& clock;
};

class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(const Books& books, Identity identity, std::string peer, SessionStream& stream);

  // Takes the first message. False when it is malformed: the session is closed then.
  bool take_hello(const proto::Hello& hello);
  // Whether it has heard more of the same spool than `hello` tells of: a spool only grows, so that hello is late.
  bool has_heard_more_than(const proto::Hello& hello) const {
    return hello.spool_id() == spool_id_ && hello.next_sequence() < std::max(told_next_, next_sequence_);
  }
  // Answers it. Requires: take_hello() was true.
  void welcome(std::uint64_t fence, std::uint32_t reconnect_spread_ms);
  // Sends `checks` as the whole assignment; a check keeps its number as long as nothing of it changed.
  // Of those in `handed_over`, which another living probe had until now, results may be on their way: what the
  // books do not have of them is not this probe's to declare.
  // Requires: `checks` point into `definitions`.
  void assign(const std::shared_ptr<const Definitions>& definitions, const std::vector<PlannedCheck>& checks,
              const std::set<std::string>& handed_over);
  // Any message but the hello. Requires: welcome() was called.
  void receive(const proto::FromProbe& message);
  void send(proto::FromController message) {
    stream_.send(std::make_shared<const proto::FromController>(std::move(message)));
  }
  void send_heartbeat();
  void close(const std::string& why);

  const Identity& identity() const { return identity_; }
  const std::string& peer() const { return peer_; }
  bool is_welcome() const { return fence_ != 0; }
  bool is_closed() const { return closed_; }
  const std::string& why_closed() const { return why_closed_; }
  Instant last_heard() const { return last_heard_; }
  void heard() { last_heard_ = books_.clock.now(); }
  WallTime since() const { return since_; }
  Instant opened() const { return opened_; }
  // Another session took this identity over: what this one still sends is refused.
  void challenge() { challenged_at_ = books_.clock.now(); }
  bool is_challenged() const { return challenged_at_ != Instant{}; }
  Instant challenged_at() const { return challenged_at_; }

 private:
  void take_batch(const proto::Batch& batch);
  void take_gap(const proto::Gap& gap);
  void take_current(const proto::Current& current);
  void take_heartbeat(const proto::Heartbeat& heartbeat);
  void take_malformed(const proto::Batch& batch, const std::string& what);

  enum class Order { counted, next, hole };
  Order order_of(std::uint64_t first, std::uint64_t last);
  void take_results(JournalEntry entry);  // of consecutive sequences from the next one on
  void resume_behind(std::uint64_t sequence);
  proto::Sender sender() const;
  void journal(JournalEntry entry, std::uint64_t last_sequence);
  // Puts what is durable into the books and acknowledges it. Static: the session may be gone by then.
  static void count(const Books& books, const std::weak_ptr<Session>& session, const proto::Sender& from,
                    const JournalEntry& entry);
  void violation(const std::string& what);
  void send_ack();  // of everything that is durable

  Books books_;
  Identity identity_;
  std::string peer_;
  SessionStream& stream_;
  Instant opened_;
  WallTime since_;
  Instant last_heard_;
  Instant challenged_at_{};
  bool closed_ = false;
  std::string why_closed_;
  int violations_ = 0;

  std::uint64_t fence_ = 0;
  std::string spool_id_;
  std::uint64_t told_next_ = 1;      // the hello's next_sequence
  std::uint64_t next_sequence_ = 1;  // the one expected next; what lies before is in the journal
  ClockOffset clock_offset_;
  BatchDecoder decoder_;
  std::uint32_t next_number_ = 1;
  struct Assigned {
    std::uint32_t number = 0;
    std::uint64_t content =
        0;  // a hash: the checks of all sessions would be more memory than all that was measured
  };
  class Part;                                                           // of an assignment
  using AssignedChecks = std::map<std::string, Assigned, std::less<>>;  // by id
  // Of one that is assigned now; what it was before keeps its number.
  std::uint32_t number_of(const proto::AssignedCheck& check, const AssignedChecks& before);
  AssignedChecks assigned_;
};

}  // namespace parallax
