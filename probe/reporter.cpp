#include "probe/reporter.h"

#include <algorithm>
#include <memory>
#include <random>
#include <utility>

#include "base/process_figures.h"
#include "proto/names.h"

namespace parallax {
namespace {

Link::Settings link_settings(const Reporter::Settings& settings, std::function<proto::Heartbeat()> figures) {
  // Seeded from the system, so that a fleet that starts together does not dial together.
  const auto random = std::make_shared<std::mt19937_64>(std::random_device{}());
  return {.controllers = settings.controllers.size(),
          .hello = settings.hello,
          .random = [random] { return std::uniform_real_distribution<>(0, 1)(*random); },
          .figures = std::move(figures)};
}

}  // namespace

Reporter::Reporter(Loop& loop, Log& log, const Clock& clock, Spool& spool, SpoolShadow& shadow, ScheduleLag& lag,
                   Settings settings, Assigned assigned)
    : log_(log),
      clock_(clock),
      spool_(spool),
      shadow_(shadow),
      lag_(lag),
      controllers_(settings.controllers),
      assigned_(std::move(assigned)),
      link_(spool, link_settings(settings, [this] { return figures(); })),
      uplink_(
          loop, log, clock, settings.files,
          [this](const proto::FromController& message) { perform(link_.received(message, now())); },
          [this](const std::string& why) { perform(link_.closed(why, now())); },
          [this](proto::FromProbe&& message) { link_.written(std::move(message)); }),
      wake_(loop) {}

void Reporter::record(const proto::RunResult& result, bool state_changed) {
  const Moment moment = now();
  spool_.append(result, moment.steady);
  recorded(state_changed, moment);
}

void Reporter::declare(MissedSlots&& missed) {
  const Moment moment = now();
  spool_.append(std::move(missed), moment.steady);
  recorded(false, moment);
}

void Reporter::recorded(bool state_changed, Moment moment) {
  if (!hung_up_) perform(link_.recorded(state_changed, moment));
  if (shadow_.wake() < waits_until_) wake_.notify();
}

Task<> Reporter::run() {
  for (;;) {
    if (!hung_up_) perform(link_.tick(now()));
    shadow_.tick();
    tell_disk();
    waits_until_ = std::min(shadow_.wake(), hung_up_ ? Instant::max() : link_.wake());
    co_await wake_.wait_until(waits_until_);
  }
}

Task<> Reporter::finish(Instant deadline, Instant disk_deadline) {
  perform(link_.flush(now()));
  while (link_.is_open() && !link_.all_counted() && clock_.now() < deadline) {
    const Instant soon = clock_.now() + Milliseconds(10);
    co_await sleep_until(soon);
  }
  hung_up_ = true;
  uplink_.close();
  co_await keep_what_is_left(disk_deadline);
  co_await uplink_.finished();
}

Task<> Reporter::keep_what_is_left(Instant deadline) {
  shadow_.flush();
  while (!shadow_.is_settled() && clock_.now() < deadline) {
    const Instant soon = clock_.now() + Milliseconds(10);
    co_await sleep_until(soon);
  }
  if (link_.all_counted()) co_return;
  const bool is_kept = shadow_.is_settled() && shadow_.trouble().empty();
  log_.warn(is_kept
                ? "stopped before the controller had counted everything: what is left waits on the disk"
                : "stopped before the controller had counted everything, and the disk did not take what is left",
            {{"records", std::to_string(spool_.results_held())},
             {"reason", is_kept                     ? ""
                        : shadow_.trouble().empty() ? "the disk is too slow"
                                                    : shadow_.trouble()}});
}

void Reporter::perform(LinkActions actions) {
  if (actions.close) uplink_.close();
  tell(actions);
  const bool can_send = !actions.dial || dial(*actions.dial);
  if (can_send)
    for (auto& message : actions.send) uplink_.send(std::move(message));
  if (actions.welcomed) {
    welcomed_at_ = clock_.now();
    welcomed_ = from_unix_us(actions.welcomed->clock_us());
  }
  for (const auto& assignment : actions.assignments) assigned_(assignment, controllers_now());
  if (link_.wake() < waits_until_) wake_.notify();  // the link wants to be asked sooner now
}

WallTime Reporter::controllers_now() const {
  return *welcomed_ + std::chrono::duration_cast<std::chrono::microseconds>(clock_.now() - welcomed_at_);
}

std::optional<Nanoseconds> Reporter::ahead_of_controller() const {
  if (!welcomed_) return std::nullopt;
  return clock_.wall() - controllers_now();
}

// False when there is nothing to send on: the link was told so.
bool Reporter::dial(std::size_t controller) {
  controller_ = controllers_[controller];
  const auto dialled = uplink_.dial(controller_);
  if (dialled) return true;
  perform(link_.closed(dialled.error().what, now()));
  return false;
}

void Reporter::tell(const LinkActions& actions) {
  if (actions.disconnected) tell_disconnected(*actions.disconnected);
  if (actions.welcomed)
    log_.on_change("uplink", "connected to " + controller_, Log::Level::info, "connected",
                   {{"controller", controller_},
                    {"location", actions.welcomed->location()},
                    {"probe", actions.welcomed->probe()},
                    {"waiting", std::to_string(spool_.results_held())}});
  for (const auto& what : actions.odd)
    log_.on_change("controller's behaviour", what, Log::Level::warn, "the controller did something odd",
                   {{"controller", controller_}, {"what", what}});
  for (const auto& reject : actions.rejected)
    log_.on_change("rejected as " + std::string(name(reject.cause())), reject.why(), Log::Level::warn,
                   "the controller did not take results",
                   {{"results", std::to_string(reject.sequence_size())},
                    {"cause", std::string(name(reject.cause()))},
                    {"why", reject.why()}});
}

void Reporter::tell_disk() {
  const std::string& trouble = shadow_.trouble();
  if (trouble.empty())
    log_.on_change("spool disk", "kept", Log::Level::info, "what waits for the controller is kept on disk");
  else
    log_.on_change("spool disk", trouble, Log::Level::error,
                   "the disk does not keep what waits for the controller: measuring goes on from memory",
                   {{"reason", trouble}, {"next", "make room in state_dir, or mend its disk"}});
}

void Reporter::tell_disconnected(const LinkActions::Disconnected& disconnected) {
  log_.on_change("uplink", disconnected.why, Log::Level::warn,
                 disconnected.was_open ? "disconnected" : "could not connect",
                 {{"controller", controller_},
                  {"why", disconnected.why},
                  {"next_try", "in " + to_text(disconnected.next_try)},
                  {"meanwhile", "checks go on, results wait"}});
}

// The process's own part of a heartbeat.
proto::Heartbeat Reporter::figures() {
  proto::Heartbeat heartbeat;
  if (const auto process = read_process_figures()) {
    heartbeat.set_resident_memory_bytes(process->resident_bytes);
    heartbeat.set_open_fds(process->open_fds);
  }
  if (const auto expiry = uplink_.certificate_expiry())
    heartbeat.set_certificate_expiry_timestamp_seconds(unix_seconds(*expiry));
  heartbeat.set_spool_disk_failing(!shadow_.trouble().empty());
  heartbeat.set_spool_damaged_files(shadow_.damaged_files());
  lag_.move_to(heartbeat);
  return heartbeat;
}

}  // namespace parallax
