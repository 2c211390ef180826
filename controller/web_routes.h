// What the controller answers over HTTP: the web port for Prometheus and people, and the control socket for
// commands.
#pragma once

#include "base/task.h"
#include "base/time.h"
#include "base/web_server.h"
#include "controller/fleet.h"
#include "controller/fleet_book.h"
#include "controller/journal.h"
#include "controller/ledger.h"
#include "controller/page_maker.h"
#include "controller/reload.h"

namespace parallax {

// What the answers are made of; everything outlives the servers.
struct Shown {
  const Ledger& ledger;
  const FleetBook& fleet_book;
  Fleet& fleet;
  Reload& reload;
  const Journal& journal;
  const Clock& clock;
  PageMaker& pages;
  bool ready = false;  // both ports listen and definitions are in force
};

// The web port: /metrics, /-/healthy, /-/ready, POST /-/reload, /api/v1/state and / with links.
Task<WebResponse> answer_web(Shown& shown, WebRequest request);

// The control socket: GET /explain?check=ID&output=table|json, POST /forget?probe=NAME.
Task<WebResponse> answer_control(Shown& shown, WebRequest request);

}  // namespace parallax
