#include "controller/fleet.h"

#include <fmt/format.h>
#include <google/protobuf/util/message_differencer.h>

#include <algorithm>
#include <utility>

namespace parallax {
namespace {

using std::chrono::seconds;

constexpr seconds kHeartbeat{10};
constexpr seconds kMostSilence{16};  // a heartbeat that comes late, and none after it
constexpr seconds kMostWaitForHello{10};
constexpr seconds kProofOfLife{1};      // what an older session says sooner may have been on its way
constexpr seconds kConflictShown{120};  // more than the longest back-off of a probe, twice
constexpr std::uint32_t kSpreadPerProbeMs = 5;
constexpr std::uint32_t kLeastSpreadMs = 2000;

bool same(const std::vector<PlannedCheck>& a, const std::vector<PlannedCheck>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) {
    return x == y || (x.location_index == y.location_index && x.defined->fingerprint == y.defined->fingerprint &&
                      x.defined->locations.size() == y.defined->locations.size() &&
                      google::protobuf::util::MessageDifferencer::Equals(x.defined->check, y.defined->check));
  });
}

}  // namespace

Fleet::Fleet(const Books& books) : books_(books) {}

Fleet::SessionId Fleet::open(const Identity& identity, const std::string& peer, SessionStream& stream) {
  const SessionId id = next_id_++;
  sessions_[id] = std::make_shared<Session>(books_, identity, peer, stream);
  return id;
}

void Fleet::receive(SessionId id, const proto::FromProbe& message) {
  const auto found = sessions_.find(id);
  if (found == sessions_.end() || found->second->is_closed()) return;
  const std::shared_ptr<Session> session = found->second;
  session->heard();
  if (session->is_challenged()) return refuse_challenged(*session);
  if (session->is_welcome()) {
    books_.fleet.seen(session->identity(), books_.clock.wall());
    return session->receive(message);
  }
  if (!message.has_hello()) return session->close("the first message of a session is the hello");
  if (is_late(session->identity(), message.hello()))
    return session->close("a newer session of this probe is open: this hello was late");
  if (!session->take_hello(message.hello())) return;
  newest_[session->identity()] = id;
  greet(session, message.hello());
}

// The hello of a connection that the probe has given up since. It must not take over from the one that followed,
// nor make us count again from where the probe was then.
bool Fleet::is_late(const Identity& identity, const proto::Hello& hello) const {
  const auto newest = newest_.find(identity);
  if (newest == newest_.end()) return false;
  const Session& open = *sessions_.at(newest->second);
  return !open.is_closed() && open.has_heard_more_than(hello);
}

void Fleet::greet(const std::shared_ptr<Session>& session, const proto::Hello& hello) {
  const Identity& identity = session->identity();
  for (auto& [id, other] : sessions_)
    if (other != session && other->identity() == identity && other->is_welcome() && !other->is_closed() &&
        !other->is_challenged())
      other->challenge();
  // Grows over restarts of the controller too.
  fence_ = std::max<std::uint64_t>(fence_ + 1, static_cast<std::uint64_t>(unix_ms(books_.clock.wall())));
  session->welcome(fence_, reconnect_spread_ms());
  books_.log.info("probe connected",
                  {{"location", identity.location},
                   {"probe", identity.probe},
                   {"peer", session->peer()},
                   {"version", hello.version()},
                   {"icmp", hello.icmp()},
                   {"backlog", std::to_string(hello.next_sequence() - hello.first_sequence())}});
  const bool is_defined = std::any_of(definitions_->locations.begin(), definitions_->locations.end(),
                                      [&](const auto& location) { return location.name() == identity.location; });
  if (!is_defined)
    books_.log.warn("the definitions do not have this probe's location: it gets no checks",
                    {{"location", identity.location},
                     {"probe", identity.probe},
                     {"next", "add it to locations.toml, or give the probe a certificate of another location"}});
  plan_again(identity.location);
}

void Fleet::refuse_challenged(Session& session) {
  const auto now = books_.clock.now();
  if (now - session.challenged_at() < kProofOfLife)
    return session.close("a newer session of this probe took over");
  const Identity& identity = session.identity();
  const auto newer = newest_.find(identity);
  const std::string other = newer == newest_.end() ? "another host" : sessions_.at(newer->second)->peer();
  conflicts_[identity] = now;
  books_.fleet.identity_conflict(identity, true);
  books_.log.on_change(fmt::format("conflict {}/{}", identity.location, identity.probe), "conflict",
                       Log::Level::error, "two living probes have the same identity",
                       {{"location", identity.location},
                        {"probe", identity.probe},
                        {"peer", session.peer()},
                        {"other", other},
                        {"next", "give each probe a certificate of its own"}});
  session.close(
      fmt::format("identity conflict: another living probe at {} has the same certificate name; give each "
                  "probe a certificate of its own",
                  other));
}

void Fleet::closed(SessionId id, const std::string& why) {
  const auto found = sessions_.find(id);
  if (found == sessions_.end()) return;
  const std::shared_ptr<Session> session = found->second;
  sessions_.erase(found);
  const Identity& identity = session->identity();
  const auto newest = newest_.find(identity);
  if (newest == newest_.end() || newest->second != id) return;
  newest_.erase(newest);
  sent_.erase(identity);
  books_.fleet.disconnected(identity, books_.clock.wall());
  books_.log.info("probe disconnected",
                  {{"location", identity.location},
                   {"probe", identity.probe},
                   {"peer", session->peer()},
                   {"reason", session->is_closed() ? session->why_closed() : why},
                   {"connected_for", to_text(Nanoseconds(books_.clock.now() - session->opened()))}});
  plan_again(identity.location);
}

void Fleet::apply_definitions(std::shared_ptr<const Definitions> definitions) {
  definitions_ = std::move(definitions);
  std::set<std::string> locations;
  for (const auto& [identity, id] : newest_) locations.insert(identity.location);
  for (const auto& location : locations) plan_again(location);
}

// Sends each probe of the location its part, where it is not what it has.
void Fleet::plan_again(const std::string& location) {
  const Plan plan = make_plan(*definitions_, present_at(location));
  const std::map<std::string, Identity> had = who_has_what(plan);
  for (const auto& [identity, checks] : plan) {
    const SessionId id = newest_.at(identity);
    Sent& sent = sent_[identity];
    if (sent.session == id && sent.revision == definitions_->revision && same(sent.checks, checks)) continue;
    sent = {.session = id, .revision = definitions_->revision, .checks = checks, .definitions = definitions_};
    std::set<std::string> handed_over;
    for (const PlannedCheck& planned : checks) {
      const std::string& check_id = planned.defined->check.id();
      const auto before = had.find(check_id);
      if (before != had.end() && before->second != identity) handed_over.insert(check_id);
    }
    sessions_.at(id)->assign(definitions_, checks, handed_over);
  }
}

// The checks that were sent to the probes of `plan`, which all live, while there are several. By names of its own:
// what was sent is about to be replaced.
std::map<std::string, Identity> Fleet::who_has_what(const Plan& plan) const {
  std::map<std::string, Identity> had;
  if (plan.size() < 2) return had;
  for (const auto& [identity, checks] : plan) {
    const auto sent = sent_.find(identity);
    if (sent == sent_.end()) continue;
    for (const PlannedCheck& planned : sent->second.checks) had[planned.defined->check.id()] = identity;
  }
  return had;
}

std::set<Identity> Fleet::present_at(const std::string& location) const {
  std::set<Identity> present;
  for (auto probe = newest_.lower_bound({location, ""}); probe != newest_.end(); ++probe) {
    if (probe->first.location != location) break;
    if (!sessions_.at(probe->second)->is_closed()) present.insert(probe->first);
  }
  return present;
}

void Fleet::tick() {
  const Instant now = books_.clock.now();
  const bool beat = now - last_heartbeat_ >= kHeartbeat;
  if (beat) last_heartbeat_ = now;
  for (auto& [id, session] : sessions_) {
    if (session->is_closed()) continue;
    if (!session->is_welcome()) {
      if (now - session->opened() > kMostWaitForHello) session->close("no hello within 10 s");
      continue;
    }
    if (now - session->last_heard() > kMostSilence)
      session->close(fmt::format("silent for {}", to_text(Nanoseconds(now - session->last_heard()))));
    else if (beat && !session->is_challenged())
      session->send_heartbeat();
  }
  for (auto conflict = conflicts_.begin(); conflict != conflicts_.end();) {
    if (now - conflict->second < kConflictShown) {
      ++conflict;
      continue;
    }
    const Identity& identity = conflict->first;
    books_.fleet.identity_conflict(identity, false);
    books_.log.on_change(fmt::format("conflict {}/{}", identity.location, identity.probe), "none",
                         Log::Level::info, "no second probe with this identity any more",
                         {{"location", identity.location}, {"probe", identity.probe}});
    conflict = conflicts_.erase(conflict);
  }
}

bool Fleet::forget(const std::string& probe) {
  if (!books_.fleet.forget(probe)) return false;
  JournalEntry entry(books_.clock.wall());
  entry.event().set_forgotten(probe);
  books_.journal.append(std::move(entry),
                        [books = books_](const JournalEntry& durable) { books.events.apply(durable); });
  return true;
}

void Fleet::drain() {
  proto::FromController message;
  message.mutable_drain()->set_reconnect_max_ms(reconnect_spread_ms());
  for (auto& [id, session] : sessions_) {
    if (session->is_closed()) continue;
    session->send(message);
    session->close("the controller stops");
  }
}

std::uint32_t Fleet::reconnect_spread_ms() const {
  const auto known = static_cast<std::uint32_t>(books_.fleet.probes().size());
  return std::max(kLeastSpreadMs, kSpreadPerProbeMs * known);
}

std::vector<Fleet::Connected> Fleet::connected() const {
  std::vector<Connected> all;
  for (const auto& [identity, id] : newest_) {
    const Session& session = *sessions_.at(id);
    if (!session.is_closed()) all.push_back({identity, session.peer(), session.since()});
  }
  return all;
}

}  // namespace parallax
