#include "controller/session.h"

#include <fmt/format.h>
#include <google/protobuf/util/message_differencer.h>

#include <algorithm>
#include <array>

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

bool is_of_sequences(proto::Gap::Cause cause) {
  return cause == proto::Gap::EVICTED || cause == proto::Gap::CORRUPT;
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

bool is_rejected(Applied applied) { return applied != Applied::counted && applied != Applied::duplicate; }

void log_rejected(const Books& books, const Identity& from, const std::string& check_id, Applied applied) {
  books.log.on_change(fmt::format("rejected {}/{} {}", from.location, from.probe, check_id), why(applied),
                      Log::Level::warn, "result rejected",
                      {{"location", from.location},
                       {"probe", from.probe},
                       {"check", check_id},
                       {"cause", std::string(name(reject_cause(applied)))},
                       {"reason", why(applied)}});
}

bool same(const proto::AssignedCheck& a, const proto::AssignedCheck& b) {
  proto::AssignedCheck unnumbered = a;
  unnumbered.set_number(b.number());
  return google::protobuf::util::MessageDifferencer::Equals(unnumbered, b);
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
  books_.sequences.set(identity_, spool_id_, counted);
  next_sequence_ = counted + 1;
  books_.fleet.connected(identity_, hello, books_.clock.wall());
  return true;
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
  stream_.send(message);
}

void Session::assign(const std::string& revision, const std::vector<proto::AssignedCheck>& checks) {
  std::map<std::string, proto::AssignedCheck, std::less<>> now;
  for (const auto& check : checks) {
    auto& kept = now.emplace(check.check().id(), check).first->second;
    const auto before = assigned_.find(check.check().id());
    const bool unchanged = before != assigned_.end() && same(check, before->second);
    kept.set_number(unchanged ? before->second.number() : next_number_++);
    decoder_.assign(kept.number(), check.check().id(), check.definition());
  }
  assigned_ = std::move(now);

  proto::FromController message;
  const auto begin_part = [&] {
    message.Clear();
    message.mutable_assignment()->set_revision(revision);
    message.mutable_assignment()->set_whole(true);
  };
  begin_part();
  std::size_t bytes = 0;
  for (const auto& [id, check] : assigned_) {
    const std::size_t size = check.ByteSizeLong();
    if (bytes > 0 && bytes + size > kMostPartBytes) {
      stream_.send(message);
      begin_part();
      bytes = 0;
    }
    *message.mutable_assignment()->add_check() = check;
    bytes += size;
  }
  message.mutable_assignment()->set_complete(true);
  stream_.send(message);
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
  auto results = decoder_.decode(batch);
  if (!results) return take_malformed(batch, results.error().what);
  const std::uint64_t last = batch.first_sequence() + results->size() - 1;
  const Order order = order_of(batch.first_sequence(), last);
  if (order == Order::hole) return;
  if (order == Order::counted) return send_ack();
  const std::uint64_t first = next_sequence_;  // the rows before it are counted already
  results->erase(results->begin(), results->begin() + static_cast<std::ptrdiff_t>(first - batch.first_sequence()));
  journal({.from = identity_,
           .spool_id = spool_id_,
           .first_sequence = first,
           .last_sequence = last,
           .clock_offset_ms = clock_offset_.estimate().count(),
           .what = std::move(*results)});
}

void Session::take_gap(const proto::Gap& gap) {
  if (const auto good = check_gap(gap); !good) return violation(good.error().what);
  const Order order = order_of(gap.first_sequence(), gap.last_sequence());
  if (order == Order::hole) return;
  if (order == Order::counted) return send_ack();
  journal({.from = identity_,
           .spool_id = spool_id_,
           .first_sequence = next_sequence_,
           .last_sequence = gap.last_sequence(),
           .clock_offset_ms = clock_offset_.estimate().count(),
           .what = gap});
}

// A batch that cannot be read is consumed all the same when it is its turn, as results that are invalid: sent
// again it would not be better, and everything behind it would wait for ever.
void Session::take_malformed(const proto::Batch& batch, const std::string& what) {
  violation("batch: " + what);
  auto rows = decoder_.unreadable(batch);
  if (closed_ || rows.empty() || batch.first_sequence() != next_sequence_) return;
  journal({.from = identity_,
           .spool_id = spool_id_,
           .first_sequence = next_sequence_,
           .last_sequence = next_sequence_ + rows.size() - 1,
           .clock_offset_ms = 0,
           .what = std::move(rows)});
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

void Session::journal(JournalEntry entry) {
  next_sequence_ = entry.last_sequence + 1;
  books_.journal.append(std::move(entry), [books = books_, session = weak_from_this()](
                                              const JournalEntry& durable) { count(books, session, durable); });
}

void Session::count(const Books& books, const std::weak_ptr<Session>& session, const JournalEntry& entry) {
  const WallTime now = books.clock.wall();
  // A newer session may have sent the same again while this one waited for the disk.
  const std::uint64_t counted = books.sequences.applied(entry.from, entry.spool_id).value_or(0);
  Rejects rejects;
  if (const auto* results = std::get_if<std::vector<proto::RunResult>>(&entry.what)) {
    for (std::size_t i = 0; i < results->size(); ++i) {
      const std::uint64_t sequence = entry.first_sequence + i;
      if (sequence <= counted) continue;
      const auto& result = (*results)[i];
      const Applied applied = books.ledger.apply(entry.from, result, Milliseconds(entry.clock_offset_ms), now);
      if (!is_rejected(applied)) continue;
      rejects.add(applied, sequence);
      log_rejected(books, entry.from, result.check_id(), applied);
    }
  } else if (entry.last_sequence > counted) {
    const auto& gap = std::get<proto::Gap>(entry.what);
    for (const auto& check : gap.check()) {
      const Applied applied = books.ledger.apply_gap(entry.from, check, gap.cause(), now);
      if (!is_rejected(applied)) continue;
      if (!is_of_sequences(gap.cause())) rejects.add(applied, entry.last_sequence);
      log_rejected(books, entry.from, check.check_id(), applied);
    }
  }
  if (entry.last_sequence > counted) books.sequences.set(entry.from, entry.spool_id, entry.last_sequence);

  const auto alive = session.lock();
  if (!alive || alive->closed_) return;
  for (std::size_t cause = 0; cause < rejects.of.size(); ++cause) {
    if (rejects.of[cause].sequence().empty()) continue;
    proto::FromController message;
    *message.mutable_reject() = rejects.of[cause];
    alive->stream_.send(message);
  }
  alive->send_ack();
}

void Session::send_ack() {
  proto::FromController message;
  message.mutable_ack()->set_applied_sequence(books_.sequences.applied(identity_, spool_id_).value_or(0));
  stream_.send(message);
}

void Session::send_heartbeat() {
  proto::FromController message;
  message.mutable_heartbeat()->set_clock_us(unix_us(books_.clock.wall()));
  stream_.send(message);
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
