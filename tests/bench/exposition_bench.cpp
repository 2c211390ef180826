// What a scrape and a result cost the controller: printed, not asserted.
//
//   cmake --preset release -DPARALLAX_TESTS=ON && cmake --build --preset release --target exposition_bench
//   build/release/tests/exposition_bench
#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <vector>

#include "base/gzip.h"
#include "controller/exposition.h"
#include "tests/unit/controller/shop.h"

namespace parallax {
namespace {

constexpr int kRounds = 9;

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
double cpu_nanoseconds() {
  timespec used{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return static_cast<double>(used.tv_sec) * 1e9 + static_cast<double>(used.tv_nsec);
}

struct Cost {
  double result_ns, sample_ns, gzip_ns;
};

// Medians over the rounds: of a result for the ledger, of a sample for the page and for its compression.
void measure(int check_count) {
  std::vector<DefinedCheck> checks;
  for (int i = 0; i < check_count; ++i)
    checks.push_back(http_check("shop", "check-" + std::to_string(i), {"a", "b", "c"}));
  Ledger ledger;
  ledger.apply_definitions(shared(set_of(checks)), kStart);

  std::vector<Cost> costs;
  std::size_t samples = 0;
  std::size_t bytes = 0;
  for (int round = 0; round < kRounds; ++round) {
    std::vector<proto::RunResult> runs;
    for (const DefinedCheck& check : checks)
      for (std::uint32_t k = 0; k < 3; ++k)
        runs.push_back(answered(check, grid_of(check, k).current(kStart) + round, k));
    const WallTime now = kStart + std::chrono::seconds(15 * round + 1);
    const double start = cpu_nanoseconds();
    for (std::size_t i = 0; i < runs.size(); ++i)
      ledger.apply(probe_at(checks[i / 3].locations[i % 3]), runs[i], Milliseconds(0), now);
    const double applied = cpu_nanoseconds();
    const TextPieces page = write_exposition(ExpositionFormat::text, ledger, {}, {}, {}, now);
    const double written = cpu_nanoseconds();
    const std::string compressed = gzip(page);
    const double done = cpu_nanoseconds();
    bytes = size_of(page);
    samples = 0;
    for (const std::string& piece : page) samples += static_cast<std::size_t>(std::ranges::count(piece, '\n'));
    const auto count = static_cast<double>(samples);
    costs.push_back({(applied - start) / static_cast<double>(runs.size()), (written - applied) / count,
                     (done - written) / count});
  }
  const auto median = [&](double Cost::* of) {
    std::ranges::nth_element(costs, costs.begin() + kRounds / 2, {}, of);
    return costs[kRounds / 2].*of;
  };
  fmt::print("| {} | {} | {:.0f} | {:.0f} | {:.0f} |\n", samples, bytes / samples, median(&Cost::sample_ns),
             median(&Cost::gzip_ns), median(&Cost::result_ns));
}

int run_bench() {
  fmt::print(
      "CPU time, medians of {} rounds\n\n"
      "| samples on the page | bytes a sample | ns a sample | ns a sample for gzip | ns a result in the ledger |\n"
      "|---|---|---|---|---|\n",
      kRounds);
  for (const int checks : {52, 522, 5220}) measure(checks);
  return 0;
}

}  // namespace
}  // namespace parallax

int main() { return parallax::run_bench(); }
