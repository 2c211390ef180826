#include "tests/unit/across/simulated_network.h"

#include <algorithm>

namespace parallax {

Connection::Connection(World& world, const Road& road, std::size_t probe, const Host& probe_host,
                       ProbeEnd& probe_end, ControllerEnd& controller)
    : world_(world),
      road_(road),
      probe_(probe),
      probe_host_(probe_host),
      probe_end_(probe_end),
      controller_(controller),
      probe_process_(probe_host.process()),
      controller_process_(controller.host().process()) {}

// Messages keep their order on a lane, whatever their latencies.
void Connection::arrive(Lane& lane, Nanoseconds latency, const Host& to, Timetable::Act act) {
  lane.last_arrival = std::max(lane.last_arrival, world_.time.now() + latency);
  world_.time.at(lane.last_arrival, &to, [self = shared_from_this(), &lane, act = std::move(act)]() mutable {
    if (!lane.is_dead) act();
  });
}

void Connection::post(Lane& lane, Nanoseconds latency, bool is_blocked, const Host& to, Timetable::Act act) {
  if (lane.is_dead) return;
  if (is_blocked || !lane.held.empty()) return lane.held.push_back(std::move(act));
  arrive(lane, latency, to, std::move(act));
}

void Connection::open() {
  post(up_, road_.up, road_.up_is_blocked, controller_.host(), [this] {
    if (controller_.listens()) {
      stream_ = controller_.opened(*this);
      return;
    }
    controller_listens_ = false;
    post(down_, road_.down, road_.down_is_blocked, probe_host_, [this] { probe_hears_the_end("refused"); });
  });
}

void Connection::send_up(proto::FromProbe message) {
  const int times = comes_twice() ? 2 : 1;
  for (int i = 0; i < times; ++i)
    post(up_, road_.up, road_.up_is_blocked, controller_.host(), [this, message] {
      if (stream_ && controller_listens_) controller_.received(*stream_, message);
    });
}

void Connection::hang_up() {
  if (!probe_listens_) return;
  probe_listens_ = false;
  if (world_.dice.one_in(4)) up_.is_dead = true;  // what was under way is dropped with it
  if (up_.is_dead) {  // no word comes through: the controller's patience ends it, if it has heard of it at all
    if (!stream_) controller_listens_ = false;
    return;
  }
  post(up_, road_.up, road_.up_is_blocked, controller_.host(), [this] { controller_hears_the_end("hung up"); });
}

void Connection::send_down(const proto::FromController& message) {
  const int times = comes_twice() ? 2 : 1;
  for (int i = 0; i < times; ++i)
    post(down_, road_.down, road_.down_is_blocked, probe_host_, [this, message] {
      if (probe_listens_) probe_end_.received(message);
    });
}

void Connection::finish(const std::string& why) {
  if (!controller_listens_) return;
  controller_listens_ = false;
  post(down_, road_.down, road_.down_is_blocked, probe_host_, [this, why] { probe_hears_the_end(why); });
  // gRPC's last word on the stream comes by itself, at the latest when the time for it is over.
  world_.time.after(world_.dice.mostly_short(Milliseconds(1), Milliseconds(4000)), &controller_.host(),
                    [self = shared_from_this(), why] {
                      if (self->stream_) self->controller_.closed(*self->stream_, why);
                    });
}

void Connection::probe_hears_the_end(const std::string& why) {
  if (!probe_listens_ || probe_process_ != probe_host_.process()) return;
  probe_listens_ = false;
  probe_end_.closed(why);
}

void Connection::controller_hears_the_end(const std::string& why) {
  if (!controller_listens_) return;
  controller_listens_ = false;
  if (stream_ && controller_process_ == controller_.host().process()) controller_.closed(*stream_, why);
}

void Connection::cut(std::optional<Nanoseconds> probe_notices, std::optional<Nanoseconds> controller_notices) {
  up_.is_dead = true;
  down_.is_dead = true;
  if (probe_notices)
    world_.time.after(*probe_notices, &probe_host_,
                      [self = shared_from_this()] { self->probe_hears_the_end("reset"); });
  if (controller_notices)
    world_.time.after(*controller_notices, &controller_.host(),
                      [self = shared_from_this()] { self->controller_hears_the_end("reset"); });
}

void Connection::controller_died(std::optional<Nanoseconds> probe_notices) {
  controller_listens_ = false;
  cut(probe_notices, std::nullopt);
}

void Connection::road_is_free(bool comes_through) {
  for (Lane* lane : {&up_, &down_}) {
    std::vector<Timetable::Act> held = std::exchange(lane->held, {});
    if (held.empty()) continue;
    if (!comes_through) {
      lane->is_dead = true;
      continue;
    }
    const Host& to = lane == &up_ ? controller_.host() : probe_host_;
    for (auto& act : held) arrive(*lane, lane == &up_ ? road_.up : road_.down, to, std::move(act));
  }
}

std::shared_ptr<Connection> Network::dial(std::size_t probe, const Host& probe_host, ProbeEnd& probe_end,
                                          ControllerEnd& controller) {
  const auto connection =
      std::make_shared<Connection>(world_, roads_[probe], probe, probe_host, probe_end, controller);
  std::erase_if(connections_, [](const auto& old) { return old->is_over(); });
  connections_.push_back(connection);
  connection->open();
  return connection;
}

std::vector<std::shared_ptr<Connection>> Network::of(std::size_t probe) {
  std::vector<std::shared_ptr<Connection>> found;
  for (const auto& connection : connections_)
    if (connection->probe() == probe && !connection->is_over()) found.push_back(connection);
  return found;
}

void Network::free_road(std::size_t probe) {
  roads_[probe].up_is_blocked = roads_[probe].down_is_blocked = false;
  const bool comes_through = world_.dice.one_in(2);
  for (const auto& connection : of(probe)) connection->road_is_free(comes_through);
}

void Network::controller_died() {
  Dice& dice = world_.dice;
  for (const auto& connection : connections_)
    connection->controller_died(dice.one_in(5) ? std::nullopt
                                               : std::optional(dice.between(Milliseconds(1), Milliseconds(200))));
}

}  // namespace parallax
