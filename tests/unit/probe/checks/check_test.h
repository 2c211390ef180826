// What tests of whole checks share: every tool for real, a guard that lets loopback through.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "probe/checks/checks.h"
#include "probe/net/guard.h"
#include "probe/net/http_engine.h"
#include "probe/net/icmp.h"
#include "probe/net/resolver.h"
#include "probe/net/trust.h"
#include "probe/secrets.h"
#include "proto/names.h"
#include "tests/unit/probe/loopback.h"
#include "tests/unit/probe/test_certificates.h"
#include "tests/unit/probe/test_server.h"

namespace parallax {

class CheckTest : public ::testing::Test {
 protected:
  Outcome run(const proto::Check& check, int timeout_ms = 5000) {
    return run_task(loop, run_check(check, tools, in_ms(timeout_ms)));
  }

  Loop loop;
  SystemClock clock;
  Guard guard = Guard::by_hand();
  Resolver resolver{loop};
  Secrets secrets = Secrets::by_hand("/");
  TrustStores trust;
  HttpEngine http;
  IcmpSockets icmp{loop, clock};
  Tools tools{loop, clock, guard, resolver, secrets, trust, http, icmp};
};

inline std::string reason(const Outcome& outcome) { return std::string(name(outcome.reason)); }
inline std::string phase(const Outcome& outcome) { return std::string(name(outcome.phase)); }

}  // namespace parallax
