// All sessions: who is there, who runs what, and two that claim to be the same probe.
//
// A probe that comes back opens a new session before the old one is known to be dead. So the newest session of an
// identity counts and the older one is challenged: what it still sends is refused. If it speaks a while after the
// newer one began, two living probes share one certificate: the older is told so and closed, and the identity is
// shown as in conflict until it was quiet for two minutes. A hello that tells of less than the open session has
// heard of the same spool is older than that session, and is closed.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "controller/plan.h"
#include "controller/session.h"

namespace parallax {

// Owned by main; what the books refer to outlives it. Everything is called on the loop.
class Fleet {
 public:
  explicit Fleet(const Books& books);

  using SessionId = std::uint64_t;

  // A probe opened a stream. `stream` outlives the session: until closed(id).
  SessionId open(const Identity& identity, const std::string& peer, SessionStream& stream);
  void receive(SessionId id, const proto::FromProbe& message);
  // The stream is gone, for the reason told.
  void closed(SessionId id, const std::string& why);

  // Puts a set in force: every probe gets its part if that changed.
  void apply_definitions(std::shared_ptr<const Definitions> definitions);

  // Drops silent sessions and sends heartbeats. Call it about once a second.
  void tick();

  // Drops every probe of that name that is not connected, for the next start, too; false when there is none.
  bool forget(const std::string& probe);

  // Ends all sessions: the probes go on measuring and come back.
  void drain();

  // The session that counts for a probe, for telling since when it is there.
  struct Connected {
    Identity identity;
    std::string peer;
    WallTime since;
  };
  std::vector<Connected> connected() const;

 private:
  bool is_late(const Identity& identity, const proto::Hello& hello) const;
  void greet(const std::shared_ptr<Session>& session, const proto::Hello& hello);
  void refuse_challenged(Session& session);
  void plan_again(const std::string& location);
  std::map<std::string, Identity> who_has_what(const Plan& plan) const;
  std::set<Identity> present_at(const std::string& location) const;
  std::uint32_t reconnect_spread_ms() const;

  Books books_;
  std::shared_ptr<const Definitions> definitions_ = std::make_shared<const Definitions>();
  std::map<SessionId, std::shared_ptr<Session>> sessions_;
  std::map<Identity, SessionId> newest_;  // welcome and not challenged
  std::map<Identity, Instant> conflicts_;
  struct Sent {
    SessionId session = 0;
    std::string revision;
    std::vector<PlannedCheck> checks;
    std::shared_ptr<const Definitions> definitions;  // that they point into: others may be in force by now
  };
  std::map<Identity, Sent> sent_;
  SessionId next_id_ = 1;
  std::uint64_t fence_ = 0;
  Instant last_heartbeat_{};
};

}  // namespace parallax
