#include "tests/unit/across/controller_pages.h"

#include "controller/exposition.h"
#include "controller/plausible.h"
#include "controller/state_json.h"
#include "tests/unit/controller/shop.h"

namespace parallax {

ControllerPages pages_after(const proto::RunResult& sent) {
  ControllerPages pages;
  proto::RunResult result;
  if (!result.ParseFromString(sent.SerializeAsString()) || !plausible(result)) return pages;
  const DefinedCheck defined = tls_check("shop", "certificate", {"a"});
  Ledger ledger;
  const FleetBook fleet;
  ledger.apply_definitions(shared(set_of({defined})), kStart);
  const proto::RunResult due = run_of(defined, grid_of(defined).current(kStart) + 1, result.state());
  result.set_check_id(due.check_id());
  result.set_definition(due.definition());
  result.set_slot(due.slot());
  result.set_started_us(due.started_us());
  const WallTime now = grid_of(defined).due(due.slot()) + std::chrono::seconds(1);
  pages.was_counted = ledger.apply(probe_at("a"), result, Milliseconds(0), now) == Applied::counted;
  const ControllerFigures figures{.version = "0.1.0", .revision = "abc", .last_reload_ok = true, .process = {}};
  pages.text = joined(write_exposition(ExpositionFormat::text, ledger, fleet, figures, {}, now));
  pages.open_metrics = joined(write_exposition(ExpositionFormat::open_metrics, ledger, fleet, figures, {}, now));
  pages.state = write_state_json(ledger, fleet, now);
  return pages;
}

}  // namespace parallax
