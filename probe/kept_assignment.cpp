#include "probe/kept_assignment.h"

#include <boost/asio/post.hpp>
#include <map>
#include <utility>

#include "base/kept_file.h"

namespace parallax {
namespace {

constexpr std::size_t kMostBytes = 256 << 20;

// `held` with `change` applied. What belongs to a session only does not stay.
proto::Assignment in_force(const proto::Assignment& held, const proto::Assignment& change) {
  std::map<std::string, proto::AssignedCheck> checks;
  if (!change.whole())
    for (const auto& assigned : held.check()) checks[assigned.check().id()] = assigned;
  for (const auto& id : change.removed()) checks.erase(id);
  for (const auto& assigned : change.check()) checks[assigned.check().id()] = assigned;

  proto::Assignment now;
  now.set_revision(change.revision());
  now.set_whole(true);
  now.set_complete(true);
  for (auto& [id, assigned] : checks) {
    assigned.clear_number();
    assigned.clear_accounted_slot();
    *now.add_check() = std::move(assigned);
  }
  return now;
}

}  // namespace

KeptAssignment::KeptAssignment(std::filesystem::path file, boost::asio::thread_pool& disk, Log& log)
    : file_(std::move(file)), disk_(disk), log_(log) {}

KeptAssignment::~KeptAssignment() { disk_.join(); }

proto::Assignment KeptAssignment::read() {
  const auto content = read_kept_file(file_, kMostBytes);
  if (content && !*content) return {};
  if (!content || !held_.ParseFromString(**content)) {
    held_.Clear();
    log_.warn("the kept assignment is of no use: checks begin when a controller assigns them",
              {{"file", file_.string()}, {"reason", content ? "it is no assignment" : content.error().what}});
    return {};
  }
  written_ = **content;
  return held_;
}

void KeptAssignment::put(const proto::Assignment& assignment) {
  held_ = in_force(held_, assignment);
  std::string content = held_.SerializeAsString();
  if (content == written_) return;
  written_ = content;
  boost::asio::post(disk_, [this, content = std::move(content)] {
    const auto kept = write_kept_file(file_, content);
    log_.on_change(
        "kept assignment", kept ? "kept" : kept.error().what, kept ? Log::Level::info : Log::Level::warn,
        kept ? "the assignment is kept for the next start"
             : "the assignment is not kept: a restart without a controller would measure by an older one",
        {{"file", file_.string()}, {"reason", kept ? "" : kept.error().what}});
  });
}

}  // namespace parallax
