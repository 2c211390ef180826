// What checks work with: the network and the things around it that outlive every run.
// Made and owned by main (or a test); a check holds no state of its own from run to run.
#pragma once

#include "base/task.h"
#include "base/time.h"

namespace parallax {

class Guard;        // probe/net/guard.h: which addresses may be touched
class Resolver;     // probe/net/resolver.h: names to addresses
class TrustStores;  // probe/net/trust.h: parsed CA files, shared by every run
class HttpEngine;   // probe/net/http_engine.h: requests and their answers
class IcmpSockets;  // probe/net/icmp.h: one socket a family for all pings
class Secrets;      // probe/secrets.h: values that definitions only name

struct Tools {
  Loop& loop;
  const Clock& clock;
  const Guard& guard;
  Resolver& resolver;
  const Secrets& secrets;
  TrustStores& trust;
  HttpEngine& http;
  IcmpSockets& icmp;
};

}  // namespace parallax
