// What a scrape and a result cost the controller: printed, not asserted.
//
//   cmake --preset release -DPARALLAX_TESTS=ON && cmake --build --preset release --target exposition_bench
//   build/release/tests/exposition_bench
#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "controller/exposition.h"
#include "tests/unit/controller/shop.h"

namespace parallax {
namespace {

constexpr int kChecks = 3000;  // at three locations each
constexpr int kRounds = 20;

proto::RunResult answered(const DefinedCheck& check, std::int64_t slot, std::uint32_t k) {
  proto::RunResult run = run_of(check, slot, proto::STATE_UP, k);
  run.set_detail("200 OK in 12 ms");
  proto::Facts& facts = *run.mutable_facts();
  facts.set_ip_protocol(4);
  facts.set_address_hash(1234567890);
  facts.mutable_http()->set_status(200);
  facts.mutable_http()->set_version("1.1");
  facts.mutable_http()->set_body_bytes(1234);
  facts.mutable_http()->set_sent_bytes(320);
  facts.mutable_http()->set_received_bytes(900);
  for (const auto phase :
       {proto::PHASE_RESOLVE, proto::PHASE_CONNECT, proto::PHASE_PROCESSING, proto::PHASE_TRANSFER}) {
    proto::PhaseTime& time = *run.add_phases();
    time.set_phase(phase);
    time.set_nanoseconds(1'234'567);
  }
  return run;
}

// CPU time of this process: other work on the machine does not count.
double cpu_nanoseconds() { return read_process_figures().value_or(ProcessFigures()).cpu_seconds * 1e9; }

int run_bench() {
  std::vector<DefinedCheck> checks;
  for (int i = 0; i < kChecks; ++i)
    checks.push_back(http_check("shop", "check-" + std::to_string(i), {"a", "b", "c"}));
  Ledger ledger;
  ledger.apply_definitions(set_of(checks), kStart);

  double ledger_ns = 0;
  double page_ns = 0;
  std::size_t results = 0;
  std::size_t samples = 0;
  std::size_t bytes = 0;
  for (int round = 0; round < kRounds; ++round) {
    std::vector<proto::RunResult> runs;
    for (const DefinedCheck& check : checks)
      for (std::uint32_t k = 0; k < 3; ++k)
        runs.push_back(answered(check, grid_of(check, k).current(kStart) + round, k));
    const WallTime now = kStart + std::chrono::seconds(15 * round + 1);
    double start = cpu_nanoseconds();
    for (std::size_t i = 0; i < runs.size(); ++i)
      ledger.apply(probe_at(checks[i / 3].locations[i % 3]), runs[i], Milliseconds(0), now);
    ledger_ns += cpu_nanoseconds() - start;
    results += runs.size();

    start = cpu_nanoseconds();
    const std::string page = write_exposition(ExpositionFormat::text, ledger, {}, {}, {}, now);
    page_ns += cpu_nanoseconds() - start;
    samples += static_cast<std::size_t>(std::ranges::count(page, '\n'));
    bytes += page.size();
  }
  fmt::print(
      "/metrics: {:.0f} ns of CPU a sample ({} samples of {} bytes); ledger: {:.0f} ns a result ({} results)\n",
      page_ns / static_cast<double>(samples), samples, bytes / samples, ledger_ns / static_cast<double>(results),
      results);
  return 0;
}

}  // namespace
}  // namespace parallax

int main() { return parallax::run_bench(); }
