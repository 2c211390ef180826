#include "probe/link.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "probe/spool_record.h"

namespace parallax {
namespace {

constexpr std::size_t kMostUnacknowledged = 256 * 1024;
constexpr std::size_t kEnoughRecords = 100;  // a batch this large waits only for the end of kBreath
// From one batch to the next where it is not full: a message costs both ends the same, whatever it holds.
constexpr Milliseconds kBreath(50);
constexpr Milliseconds kLongestWait(1000);  // nor does a record wait longer
constexpr Nanoseconds kGreetingTime = std::chrono::seconds(15);
constexpr Nanoseconds kFirstBackOff = std::chrono::seconds(1);
constexpr Nanoseconds kLongestBackOff = std::chrono::seconds(30);
constexpr Nanoseconds kLongestSpread = std::chrono::minutes(10);  // whatever a controller says
constexpr Nanoseconds kStable = std::chrono::seconds(10);         // a session that lasted was no failure
constexpr Milliseconds kDefaultHeartbeat(10'000);
constexpr std::size_t kBytesOfACurrent = 64 * 1024;
constexpr std::size_t kMostLookedAtForCurrent = 50'000;

Nanoseconds share_of(Nanoseconds whole, double share) {
  return Nanoseconds(static_cast<std::int64_t>(static_cast<double>(whole.count()) * share));
}

}  // namespace

Link::Link(Spool& spool, Settings settings)
    : spool_(spool), settings_(std::move(settings)), revision_(settings_.hello.revision()) {}

LinkActions Link::tick(Moment now) {
  LinkActions actions;
  switch (state_) {
    case State::waiting:
      if (now.steady >= dial_at_) dial(now, actions);
      break;
    case State::greeting:
      if (now.steady >= session_since_ + kGreetingTime)
        disconnect("the controller did not answer within 15 s", true, now, actions);
      break;
    case State::open:
      if (now.steady >= last_heard_ + heartbeat_every_ * 8 / 5) {
        disconnect(fmt::format("nothing heard from the controller for {}", to_text(now.steady - last_heard_)),
                   true, now, actions);
        break;
      }
      if (now.steady >= heartbeat_at_) send_heartbeat(now, actions);
      send_pending(now, actions);
      break;
  }
  return actions;
}

Instant Link::wake() const {
  if (state_ == State::waiting) return dial_at_;
  if (state_ == State::greeting) return session_since_ + kGreetingTime;
  Instant wake = std::min(heartbeat_at_, last_heard_ + heartbeat_every_ * 8 / 5);
  const bool can_send = assigned_ && unacknowledged_bytes_ < window_;
  if (send_by_ && can_send) wake = std::min(wake, *send_by_);
  return wake;
}

LinkActions Link::received(const proto::FromController& message, Moment now) {
  LinkActions actions;
  if (state_ == State::waiting) return actions;
  last_heard_ = now.steady;
  if (state_ == State::greeting && !message.has_welcome()) {
    disconnect("the controller did not begin with Welcome; is this the fleet port of a controller?", true, now,
               actions);
    return actions;
  }
  switch (message.event_case()) {
    case proto::FromController::kWelcome:
      on_welcome(message.welcome(), now, actions);
      break;
    case proto::FromController::kAssignment:
      on_assignment(message.assignment(), now, actions);
      break;
    case proto::FromController::kAck:
      on_ack(message.ack().applied_sequence(), now, actions);
      break;
    case proto::FromController::kReject:
      on_reject(message.reject(), now, actions);
      break;
    case proto::FromController::kDrain:
      on_drain(message.drain(), now, actions);
      break;
    case proto::FromController::kHeartbeat:
      break;  // it was heard
    case proto::FromController::EVENT_NOT_SET:
      actions.odd.push_back("it sent a message this probe does not know; update the probe");
      break;
  }
  return actions;
}

LinkActions Link::closed(const std::string& why, Moment now) {
  LinkActions actions;
  if (state_ != State::waiting) disconnect(why, false, now, actions);
  return actions;
}

LinkActions Link::recorded(bool state_changed, Moment now) {
  LinkActions actions;
  const bool is_enough = spool_.next_sequence() - next_to_send_ >= kEnoughRecords;
  const Instant by = state_changed ? now.steady : is_enough ? batch_at_ + kBreath : now.steady + kLongestWait;
  send_by_ = std::min(send_by_.value_or(by), by);
  if (state_ == State::open) send_pending(now, actions);
  return actions;
}

LinkActions Link::flush(Moment now) { return recorded(true, now); }

// --- The session's beginning and end ---

void Link::dial(Moment now, LinkActions& actions) {
  state_ = State::greeting;
  session_since_ = last_heard_ = now.steady;
  encoder_ = BatchEncoder();
  assigned_ = false;
  parts_.reset();
  unacknowledged_.clear();
  unacknowledged_bytes_ = 0;
  rejected_.clear();

  actions.dial = controller_;
  auto& hello = *actions.send.emplace_back().mutable_hello();
  hello = settings_.hello;
  hello.set_spool_id(spool_.id());
  hello.set_first_sequence(spool_.first_sequence());
  hello.set_next_sequence(spool_.next_sequence());
  hello.set_clock_us(unix_us(now.wall));
  hello.set_revision(revision_);
}

void Link::disconnect(const std::string& why, bool close, Moment now, LinkActions& actions) {
  const bool was_open = state_ == State::open;
  if (was_open && now.steady - session_since_ >= kStable) failures_ = 0;
  if (close) actions.close = why;
  Nanoseconds most = back_off();
  if (was_open) most = std::max(most, std::min(spread_, kLongestSpread));
  const Nanoseconds next_try = share_of(most, settings_.random());
  actions.disconnected = LinkActions::Disconnected{why, next_try, was_open};
  actions.send.clear();
  state_ = State::waiting;
  dial_at_ = now.steady + next_try;
  controller_ = (controller_ + 1) % settings_.controllers;
}

// Full jitter: the next try comes after a random part of a time that doubles with each failure.
Nanoseconds Link::back_off() {
  const unsigned doublings = std::min(failures_++, 10U);
  return std::min<Nanoseconds>(kFirstBackOff * (1 << doublings), kLongestBackOff);
}

void Link::on_welcome(const proto::Welcome& welcome, Moment now, LinkActions& actions) {
  if (state_ == State::open) {
    actions.odd.push_back("it sent Welcome twice");
    return;
  }
  if (welcome.applied_sequence() >= spool_.next_sequence()) {
    // Freeing what it says would swallow results that were never sent.
    const auto why = fmt::format("the controller says it has counted {} results of this spool, which only made {}",
                                 welcome.applied_sequence(), spool_.next_sequence() - 1);
    disconnect(why, true, now, actions);
    return;
  }
  state_ = State::open;
  const Milliseconds told(welcome.heartbeat_ms() ? welcome.heartbeat_ms() : kDefaultHeartbeat.count());
  heartbeat_every_ = std::clamp<Nanoseconds>(told, std::chrono::seconds(1), std::chrono::seconds(60));
  spread_ = Milliseconds(welcome.reconnect_spread_ms());
  const std::size_t window = welcome.window_bytes() ? welcome.window_bytes() : kMostUnacknowledged;
  window_ = std::min(window, kMostUnacknowledged);
  counted_ = welcome.applied_sequence();
  spool_.free_up_to(counted_);
  next_to_send_ = counted_ + 1;
  actions.welcomed = welcome;
  send_heartbeat(now, actions);
}

void Link::on_assignment(const proto::Assignment& part, Moment now, LinkActions& actions) {
  if (!parts_ || part.whole() != parts_->whole() || part.revision() != parts_->revision())
    parts_ = part;
  else
    parts_->MergeFrom(part);
  if (!part.complete()) return;
  proto::Assignment assignment = std::move(*parts_);
  parts_.reset();
  if (!assigned_ && !assignment.whole()) {
    disconnect("the controller sent a difference before a whole assignment", true, now, actions);
    return;
  }
  for (const auto& assigned : assignment.check())
    encoder_.assign(assigned.check().id(), assigned.definition(), assigned.number());
  revision_ = assignment.revision();
  const bool is_first = !std::exchange(assigned_, true);
  actions.assignments.push_back(std::move(assignment));
  if (!is_first) return;
  send_current(actions);
  send_by_ = now.steady;  // what an earlier session sent and nobody counted has waited long enough
  send_pending(now, actions);
}

void Link::on_drain(const proto::Drain& drain, Moment now, LinkActions& actions) {
  disconnect("the controller asked to connect again later", true, now, actions);
  const Nanoseconds least = std::min<Nanoseconds>(Milliseconds(drain.reconnect_min_ms()), kLongestSpread);
  const Nanoseconds most = std::clamp<Nanoseconds>(Milliseconds(drain.reconnect_max_ms()), least, kLongestSpread);
  actions.disconnected->next_try = least + share_of(most - least, settings_.random());
  dial_at_ = now.steady + actions.disconnected->next_try;
}

// --- What the controller has counted ---

void Link::on_ack(std::uint64_t applied, Moment now, LinkActions& actions) {
  if (applied >= next_to_send_) {
    const auto why =
        fmt::format("the controller acknowledged {}, but only {} were sent", applied, next_to_send_ - 1);
    disconnect(why, true, now, actions);
    return;
  }
  counted(applied);
  send_pending(now, actions);
}

void Link::on_reject(const proto::Reject& reject, Moment now, LinkActions& actions) {
  for (const std::uint64_t sequence : reject.sequence())
    if (sequence > counted_ && sequence < next_to_send_) rejected_.insert(sequence);
  actions.rejected.push_back(reject);
  counted(counted_);
  send_pending(now, actions);
}

// Everything up to `sequence`, and what was rejected right behind it, need not be kept any more.
void Link::counted(std::uint64_t sequence) {
  counted_ = std::max(counted_, sequence);
  while (!rejected_.empty() && *rejected_.begin() <= counted_ + 1) {
    counted_ = std::max(counted_, *rejected_.begin());
    rejected_.erase(rejected_.begin());
  }
  spool_.free_up_to(counted_);
  while (!unacknowledged_.empty() && unacknowledged_.front().last_sequence <= counted_) {
    unacknowledged_bytes_ -= unacknowledged_.front().bytes;
    unacknowledged_.pop_front();
  }
}

// --- What the probe sends ---

void Link::send_heartbeat(Moment now, LinkActions& actions) {
  auto& heartbeat = *actions.send.emplace_back().mutable_heartbeat();
  heartbeat = settings_.figures();
  heartbeat.set_clock_us(unix_us(now.wall));
  heartbeat.set_spool_results(spool_.results_held());
  heartbeat.set_oldest_unacknowledged_seconds(seconds(spool_.oldest_age(now.steady)));
  heartbeat_at_ = now.steady + heartbeat_every_;
}

// After a break, the backlog takes a while: the newest state of each check goes before it.
void Link::send_current(LinkActions& actions) {
  const std::uint64_t waiting = spool_.next_sequence() - std::max(next_to_send_, spool_.first_sequence());
  if (waiting <= kMostRowsInABatch) return;
  proto::Current current;
  std::size_t bytes = 0;
  for (auto& result : spool_.newest_of_each_check(kMostLookedAtForCurrent)) {
    bytes += result.ByteSizeLong();
    *current.add_result() = std::move(result);
    if (bytes < kBytesOfACurrent) continue;
    *actions.send.emplace_back().mutable_current() = std::exchange(current, {});
    bytes = 0;
  }
  if (current.result_size() > 0) *actions.send.emplace_back().mutable_current() = std::move(current);
}

void Link::send_pending(Moment now, LinkActions& actions) {
  if (state_ != State::open || !assigned_) return;
  const std::uint64_t waiting = spool_.next_sequence() - next_to_send_;
  if (waiting == 0) send_by_.reset();
  const bool is_time = waiting >= kMostRowsInABatch || (send_by_ && now.steady >= *send_by_);
  if (waiting == 0 || !is_time) return;
  batch_at_ = now.steady;
  while (unacknowledged_bytes_ < window_) {
    if (send_next_gap(actions) || send_next_records(actions)) continue;
    send_by_.reset();  // all is sent
    return;
  }
  send_by_ = now.steady;  // the window is full: the rest goes with the next acknowledgement
}

bool Link::send_next_gap(LinkActions& actions) {
  if (const proto::Gap* gap = spool_.gap_at(next_to_send_)) {
    proto::FromProbe message;
    *message.mutable_gap() = *gap;
    send_counted(std::move(message), gap->last_sequence(), actions);
    return true;
  }
  if (spool_.first_sequence() <= next_to_send_) return false;
  send_lost(spool_.first_sequence() - 1, actions);
  return true;
}

// The controller asks for sequences that the spool has no memory of: it went back in time. Told, not guessed.
void Link::send_lost(std::uint64_t last_sequence, LinkActions& actions) {
  actions.odd.push_back(
      fmt::format("it asks for results {} to {}, which it had acknowledged: has its state been lost?",
                  next_to_send_, last_sequence));
  proto::FromProbe message;
  auto& gap = *message.mutable_gap();
  gap.set_first_sequence(next_to_send_);
  gap.set_last_sequence(last_sequence);
  gap.set_cause(proto::Gap::CORRUPT);
  send_counted(std::move(message), last_sequence, actions);
}

// The declaration or the batch of results that comes next; false when there is none.
bool Link::send_next_records(LinkActions& actions) {
  if (send_next_results(actions)) return true;
  const auto records = spool_.read(next_to_send_, 1);
  if (records.empty()) return false;
  proto::FromProbe message;
  const auto* missed = std::get_if<MissedSlots>(&records.front().second);
  auto& gap = *message.mutable_gap();
  gap = missed ? gap_of(*missed) : std::get<proto::Gap>(records.front().second);
  gap.set_first_sequence(next_to_send_);
  gap.set_last_sequence(next_to_send_);
  send_counted(std::move(message), next_to_send_, actions);
  return true;
}

// The results that come next, up to a record of another kind; false where that comes at once.
bool Link::send_next_results(LinkActions& actions) {
  encoder_.begin(next_to_send_);
  std::uint64_t sequence = next_to_send_;
  for (;; ++sequence) {
    const auto bytes = spool_.result_at(sequence);
    if (!bytes) break;
    if (!read_stored(*bytes, row_)) std::abort();  // the spool takes what can be read
    if (!encoder_.add(row_)) break;
  }
  if (encoder_.rows() == 0) return false;
  proto::FromProbe message;
  *message.mutable_batch() = encoder_.take();
  send_counted(std::move(message), sequence - 1, actions);
  return true;
}

void Link::send_counted(proto::FromProbe message, std::uint64_t last_sequence, LinkActions& actions) {
  const std::size_t bytes = message.ByteSizeLong();
  unacknowledged_.push_back(Sent{last_sequence, bytes});
  unacknowledged_bytes_ += bytes;
  spool_.note_sent(last_sequence);
  next_to_send_ = last_sequence + 1;
  actions.send.push_back(std::move(message));
}

}  // namespace parallax
