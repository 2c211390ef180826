#include "controller/state_json.h"

#include "base/json.h"
#include "controller/fact_metrics.h"
#include "proto/names.h"

namespace parallax {
namespace {

void write_place(JsonWriter& json, const CheckBook& check, const PlaceBook& place, WallTime now) {
  const NewestRun* fresh = place.fresh(now);
  const NewestRun* run = place.newest ? &*place.newest : nullptr;
  json.open_object().member("location", place.location).member("zone", place.zone);
  json.member("state", fresh == nullptr ? std::string_view("no_data") : name(fresh->result.state()));
  if (run == nullptr) {
    json.key("reason").null().key("detail").null().key("last_run").null();
    json.member("fresh", false).key("duration_seconds").null();
  } else {
    json.member("reason", name(run->result.reason())).member("detail", run->result.detail());
    json.member("last_run", to_text(run->started)).member("fresh", fresh != nullptr);
    json.member("duration_seconds", probe_duration_seconds(metrics_of_type(check.type), run->result));
  }
  json.close_object();
}

void write_check(JsonWriter& json, const Ledger& ledger, const CheckBook& check, WallTime now) {
  json.open_object().member("check", check.definition().name()).member("type", check.type);
  json.member("target", check.definition().target()).member("up", ledger.check_up(check, now));
  json.key("locations").open_array();
  for (const PlaceBook& place : check.places) write_place(json, check, place, now);
  json.close_array().close_object();
}

void write_service(JsonWriter& json, const Ledger& ledger, const ServiceBook& service, WallTime now) {
  json.open_object().member("service", service.service->name()).member("title", service.service->title());
  json.member("up", ledger.service_up(service, now)).key("checks").open_array();
  for (const std::string& id : service.checks) write_check(json, ledger, ledger.checks().find(id)->second, now);
  json.close_array().close_object();
}

void write_probe(JsonWriter& json, const Identity& identity, const ProbeBook& probe) {
  json.open_object().member("probe", identity.probe).member("location", identity.location);
  json.member("connected", probe.connected).member("last_seen", to_text(probe.last_seen));
  json.member("version", probe.version).close_object();
}

}  // namespace

std::string write_state_json(const Ledger& ledger, const FleetBook& fleet, WallTime now) {
  JsonWriter json;
  json.open_object().member("status", "success").key("data").open_object();
  json.member("revision", ledger.revision()).key("services").open_array();
  for (const ServiceBook& service : ledger.services()) write_service(json, ledger, service, now);
  json.close_array().key("probes").open_array();
  for (const auto& [identity, probe] : fleet.probes()) write_probe(json, identity, probe);
  json.close_array().close_object().close_object();
  return json.take();
}

}  // namespace parallax
