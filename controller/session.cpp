#include "controller/session.h"

#include <fmt/format.h>
#include <google/protobuf/arena.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/slot_grid.h"
#include "controller/gap_slots.h"
#include "proto/names.h"

namespace parallax {
namespace {

constexpr std::uint32_t kWindowBytes = 256 << 10;
constexpr std::uint32_t kHeartbeatMs = 10'000;
constexpr std::size_t kSpoolIdBytes = 16;
constexpr std::size_t kMostPartBytes = 128 << 10;  // of an assignment; one check alone may be larger
constexpr int kMostViolations = 3;
constexpr int kMostGapChecks = 10'000;
constexpr int kMostCurrent = 10'000;

Result<void> check_hello(const proto::Hello& hello) {
  if (hello.spool_id().size() != kSpoolIdBytes)
    return failure(fmt::format("hello: spool_id has {} bytes, not {}", hello.spool_id().size(), kSpoolIdBytes));
  if (hello.first_sequence() == 0 || hello.next_sequence() < hello.first_sequence())
    return failure(
        fmt::format("hello: sequences {} to {} are no range", hello.first_sequence(), hello.next_sequence()));
  if (hello.version().size() > 64 || hello.revision().size() > 128 || hello.icmp().size() > 16 ||
      hello.check_types_size() > 64)
    return failure("hello: a text is too long");
  return {};
}

Result<void> check_gap(const proto::Gap& gap) {
  if (gap.cause() < proto::Gap::EVICTED || gap.cause() > proto::Gap::OVERLOAD)
    return failure(fmt::format("gap: there is no cause {}", static_cast<int>(gap.cause())));
  if (gap.first_sequence() == 0 || gap.last_sequence() < gap.first_sequence() || gap.last_sequence() + 1 == 0)
    return failure(fmt::format("gap: sequences {} to {} are no range", gap.first_sequence(), gap.last_sequence()));
  if (!is_of_sequences(gap.cause()) && gap.first_sequence() != gap.last_sequence())
    return failure("gap: a declaration of slots has one sequence");
  if (gap.check_size() > kMostGapChecks) return failure(fmt::format("gap: {} checks", gap.check_size()));
  for (const auto& check : gap.check())
    if (check.check_id().empty() || check.check_id().size() > 255)
      return failure("gap: a check id is empty or too long");
  if (!slots_of(gap)) return failure(fmt::format("gap: no ranges, or more than {} slots", kMostGapSlots));
  return {};
}

const char* why(Applied applied) {
  switch (applied) {
    case Applied::not_expected:
      return "the definitions do not have this check at the certificate's location";
    case Applied::removed:
      return "the definitions do not have this check here any more";
    case Applied::invalid:
      return "a value no probe sends";
    case Applied::clock:
      return "its moment is more than a year from the controller's clock";
    default:
      return "";
  }
}

// What Reject messages say of one batch, by cause.
struct Rejects {
  std::array<proto::Reject, 5> of;

  void add(Applied applied, std::uint64_t sequence) {
    auto& reject = of[static_cast<std::size_t>(reject_cause(applied))];
    reject.set_cause(reject_cause(applied));
    reject.set_why(why(applied));
    reject.add_sequence(sequence);
  }
};

void log_rejected(const Books& books, const proto::Sender& from, const NotTaken& not_taken) {
  books.log.on_change(fmt::format("rejected {}/{} {}", from.location(), from.probe(), not_taken.check_id),
                      why(not_taken.why), Log::Level::warn, "result rejected",
                      {{"location", from.location()},
                       {"probe", from.probe()},
                       {"check", not_taken.check_id},
                       {"cause", std::string(name(reject_cause(not_taken.why)))},
                       {"reason", why(not_taken.why)}});
}

// Of all that a check without a number says. Two that differ have the same once in 2^64 times.
std::uint64_t content_of(const proto::AssignedCheck& check) {
  std::string text;
  {
    google::protobuf::io::StringOutputStream to_text(&text);
    google::protobuf::io::CodedOutputStream out(&to_text);
    out.SetSerializationDeterministic(true);  // a map has no order of its own
    check.SerializeToCodedStream(&out);
  }
  return fnv1a_64(text);
}

}  // namespace

Session::Session(const Books& books, Identity identity, std::string peer, SessionStream& stream)
    : books_(books),
      identity_(std::move(identity)),
      peer_(std::move(peer)),
      stream_(stream),
      opened_(books.clock.now()),
      since_(books.clock.wall()),
      last_heard_(opened_) {}

bool Session::take_hello(const proto::Hello& hello) {
  if (const auto good = check_hello(hello); !good) {
    violation(good.error().what);
    close(good.error().what);
    return false;
  }
  spool_id_ = hello.spool_id();
  told_next_ = hello.next_sequence();
  clock_offset_.sample(from_unix_us(hello.clock_us()), books_.clock.wall());

  const auto applied = books_.sequences.applied(identity_, spool_id_);
  std::uint64_t counted = applied.value_or(hello.first_sequence() - 1);
  // A spool that holds less than we counted came back from an older state of its disk and gives sequences again;
  // one whose oldest lies beyond was acknowledged by another controller. The slots keep each run counted once.
  if (counted >= hello.next_sequence()) counted = hello.next_sequence() - 1;
  counted = std::max(counted, hello.first_sequence() - 1);
  if (applied && *applied != counted)
    books_.log.warn("probe's spool does not go on where it was acknowledged: taking up what it holds",
                    {{"location", identity_.location},
                     {"probe", identity_.probe},
                     {"acknowledged", std::to_string(*applied)},
                     {"first", std::to_string(hello.first_sequence())},
                     {"next", std::to_string(hello.next_sequence())}});
  next_sequence_ = counted + 1;
  if (applied != counted) resume_behind(counted);
  books_.fleet.connected(identity_, hello, books_.clock.wall());
  return true;
}

// Through the journal as everything else: an event of an older session may still wait there.
void Session::resume_behind(std::uint64_t sequence) {
  JournalEntry entry(books_.clock.wall());
  *entry.event().mutable_resumed()->mutable_from() = sender();
  entry.event().mutable_resumed()->set_applied_sequence(sequence);
  books_.journal.append(std::move(entry),
                        [books = books_](const JournalEntry& durable) { books.events.apply(durable); });
}

void Session::welcome(std::uint64_t fence, std::uint32_t reconnect_spread_ms) {
  fence_ = fence;
  proto::FromController message;
  auto& welcome = *message.mutable_welcome();
  welcome.set_fence(fence);
  welcome.set_applied_sequence(next_sequence_ - 1);
  welcome.set_window_bytes(kWindowBytes);
  welcome.set_heartbeat_ms(kHeartbeatMs);
  welcome.set_clock_us(unix_us(books_.clock.wall()));
  welcome.set_reconnect_spread_ms(reconnect_spread_ms);
  welcome.set_location(identity_.location);
  welcome.set_probe(identity_.probe);
  send(std::move(message));
}

std::uint32_t Session::number_of(const proto::AssignedCheck& check, const AssignedChecks& before) {
  const std::string& id = check.check().id();
  Assigned& now = assigned_[id];
  now.content = content_of(check);
  const auto known = before.find(id);
  const bool unchanged = known != before.end() && known->second.content == now.content;
  now.number = unchanged ? known->second.number : next_number_++;
  decoder_.assign(now.number, id, check.definition());
  return now.number;
}

// Each part in an arena with no check in it: it shows those of the definitions, which it keeps alive. A thousand
// probes that come at once have no thousand copies of their checks on the way.
class Session::Part {
 public:
  explicit Part(std::shared_ptr<const Definitions> definitions)
      : memory_(std::make_shared<Memory>(std::move(definitions))) {
    message_ = google::protobuf::Arena::CreateMessage<proto::FromController>(&memory_->arena);
    assignment().set_revision(memory_->definitions->revision);
    assignment().set_whole(true);
  }
  proto::Assignment& assignment() { return *message_->mutable_assignment(); }
  bool has_room_for(const PlannedCheck& planned) const {
    return bytes_ == 0 || bytes_ + planned.defined->check.ByteSizeLong() <= kMostPartBytes;
  }
  proto::AssignedCheck& add(const PlannedCheck& planned) {
    bytes_ += planned.defined->check.ByteSizeLong();
    auto& check = *assignment().add_check();
    show_check(planned, check);
    return check;
  }
  Outgoing outgoing() const { return {memory_, message_}; }

 private:
  struct Memory {
    explicit Memory(std::shared_ptr<const Definitions> shown) : definitions(std::move(shown)) {}
    std::shared_ptr<const Definitions> definitions;
    google::protobuf::Arena arena;
  };
  std::shared_ptr<Memory> memory_;
  proto::FromController* message_;
  std::size_t bytes_ = 0;
};

void Session::assign(const std::shared_ptr<const Definitions>& definitions,
                     const std::vector<PlannedCheck>& checks, const std::set<std::string>& handed_over) {
  const AssignedChecks before = std::exchange(assigned_, {});
  Part part(definitions);
  for (const PlannedCheck& planned : checks) {
    if (!part.has_room_for(planned)) {
      stream_.send(part.outgoing());
      part = Part(definitions);
    }
    proto::AssignedCheck& check = part.add(planned);
    check.set_number(number_of(check, before));
    const std::string& id = check.check().id();
    const auto accounted = books_.ledger.accounted_up_to(id, identity_.location, books_.clock.wall());
    if (accounted && !handed_over.contains(id)) check.set_accounted_slot(*accounted);
  }
  part.assignment().set_complete(true);
  stream_.send(part.outgoing());
}

void Session::receive(const proto::FromProbe& message) {
  switch (message.event_case()) {
    case proto::FromProbe::kBatch:
      return take_batch(message.batch());
    case proto::FromProbe::kGap:
      return take_gap(message.gap());
    case proto::FromProbe::kCurrent:
      return take_current(message.current());
    case proto::FromProbe::kHeartbeat:
      return take_heartbeat(message.heartbeat());
    case proto::FromProbe::kHello:
      return violation("a second hello");
    case proto::FromProbe::EVENT_NOT_SET:
      return;  // an event of a newer probe
  }
}

void Session::take_batch(const proto::Batch& batch) {
  JournalEntry entry(books_.clock.wall());
  auto& results = *entry.event().mutable_reported()->mutable_result();
  if (const auto decoded = decoder_.decode(batch, results, entry.facts); !decoded)
    return take_malformed(batch, decoded.error().what);
  const std::uint64_t last = batch.first_sequence() + static_cast<std::uint64_t>(results.size()) - 1;
  const Order order = order_of(batch.first_sequence(), last);
  if (order == Order::hole) return;
  if (order == Order::counted) return send_ack();
  // The rows before the next sequence are counted already.
  const auto counted = static_cast<int>(next_sequence_ - batch.first_sequence());
  results.DeleteSubrange(0, counted);
  entry.facts.erase(entry.facts.begin(), entry.facts.begin() + counted);
  take_results(std::move(entry));
}

void Session::take_results(JournalEntry entry) {
  auto& reported = *entry.event().mutable_reported();
  *reported.mutable_from() = sender();
  reported.set_first_sequence(next_sequence_);
  const std::uint64_t last = next_sequence_ + static_cast<std::uint64_t>(reported.result_size()) - 1;
  journal(std::move(entry), last);
}

void Session::take_gap(const proto::Gap& gap) {
  if (const auto good = check_gap(gap); !good) return violation(good.error().what);
  const Order order = order_of(gap.first_sequence(), gap.last_sequence());
  if (order == Order::hole) return;
  if (order == Order::counted) return send_ack();
  JournalEntry entry(books_.clock.wall());
  auto& reported = *entry.event().mutable_gap();
  *reported.mutable_from() = sender();
  reported.set_first_sequence(next_sequence_);
  *reported.mutable_gap() = gap;
  journal(std::move(entry), gap.last_sequence());
}

// A batch that cannot be read is consumed all the same when it is its turn, as results that are invalid: sent
// again it would not be better, and everything behind it would wait for ever.
void Session::take_malformed(const proto::Batch& batch, const std::string& what) {
  violation("batch: " + what);
  if (closed_ || batch.check_number().empty() || batch.first_sequence() != next_sequence_) return;
  JournalEntry entry(books_.clock.wall());
  decoder_.unreadable(batch, *entry.event().mutable_reported()->mutable_result());
  take_results(std::move(entry));
}

void Session::take_current(const proto::Current& current) {
  if (current.result_size() > kMostCurrent)
    return violation(fmt::format("current: {} results", current.result_size()));
  for (const auto& result : current.result())
    books_.ledger.show_current(identity_, result, clock_offset_.estimate(), books_.clock.wall());
}

void Session::take_heartbeat(const proto::Heartbeat& heartbeat) {
  clock_offset_.sample(from_unix_us(heartbeat.clock_us()), books_.clock.wall());
  books_.fleet.heartbeat(identity_, heartbeat, clock_offset_.estimate(), books_.clock.wall());
}

Session::Order Session::order_of(std::uint64_t first, std::uint64_t last) {
  if (last < next_sequence_) return Order::counted;
  if (first <= next_sequence_) return Order::next;
  violation(fmt::format("sequences {} to {} are missing without a gap that accounts for them", next_sequence_,
                        first - 1));
  close(fmt::format("sequence {} came where {} was due; send again from there", first, next_sequence_));
  return Order::hole;
}

void Session::journal(JournalEntry entry, std::uint64_t last_sequence) {
  next_sequence_ = last_sequence + 1;
  books_.journal.append(std::move(entry),
                        [books = books_, session = weak_from_this(),
                         from = sender()](const JournalEntry& durable) { count(books, session, from, durable); });
}

proto::Sender Session::sender() const {
  proto::Sender sender;
  sender.set_location(identity_.location);
  sender.set_probe(identity_.probe);
  sender.set_spool_id(spool_id_);
  sender.set_clock_offset_ms(clock_offset_.estimate().count());
  return sender;
}

void Session::count(const Books& books, const std::weak_ptr<Session>& session, const proto::Sender& from,
                    const JournalEntry& entry) {
  Rejects rejects;
  for (const NotTaken& not_taken : books.events.apply(entry)) {
    if (not_taken.is_consumed_alone) rejects.add(not_taken.why, not_taken.sequence);
    log_rejected(books, from, not_taken);
  }
  const auto alive = session.lock();
  if (!alive || alive->closed_) return;
  for (const auto& reject : rejects.of) {
    if (reject.sequence().empty()) continue;
    proto::FromController message;
    *message.mutable_reject() = reject;
    alive->send(std::move(message));
  }
  alive->send_ack();
}

void Session::send_ack() {
  proto::FromController message;
  message.mutable_ack()->set_applied_sequence(books_.sequences.applied(identity_, spool_id_).value_or(0));
  send(std::move(message));
}

void Session::send_heartbeat() {
  proto::FromController message;
  message.mutable_heartbeat()->set_clock_us(unix_us(books_.clock.wall()));
  send(std::move(message));
}

void Session::violation(const std::string& what) {
  ++violations_;
  books_.log.on_change(fmt::format("violation {}/{}", identity_.location, identity_.probe), what, Log::Level::warn,
                       "probe broke the protocol",
                       {{"location", identity_.location},
                        {"probe", identity_.probe},
                        {"peer", peer_},
                        {"reason", what},
                        {"next", "look whether its version fits the controller's"}});
  if (violations_ >= kMostViolations)
    close(fmt::format("broke the protocol {} times, at last: {}", violations_, what));
}

void Session::close(const std::string& reason) {
  if (closed_) return;
  closed_ = true;
  why_closed_ = reason;
  stream_.close(reason);
}

}  // namespace parallax
