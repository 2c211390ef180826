#include "probe/doctor.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "base/task.h"
#include "probe/doctor_host.h"
#include "probe/doctor_text.h"
#include "probe/settings.h"

namespace fs = std::filesystem;

namespace parallax {
namespace {

enum ExitStatus { kWell = 0, kTrouble = 1, kInvalid = 4 };

// What is wrong with the settings, warnings included; each problem names file, line and column.
Finding settings_finding(const fs::path& file, const Problems& problems) {
  if (problems.empty()) return {"settings", Finding::State::ok, file.string() + " is valid", ""};
  std::string detail;
  for (const auto& problem : problems) detail += (detail.empty() ? "" : "; ") + to_text(problem);
  std::error_code error;
  const auto path = for_shell(file.string());
  const auto remedy = fs::exists(file, error)
                          ? fmt::format("${{EDITOR:-vi}} +{} {}", std::max(1, problems.front().line), path)
                          : fmt::format("echo 'controllers = [\"CONTROLLER:7443\"]' > {}", path);
  return {"settings", has_errors(problems) ? Finding::State::trouble : Finding::State::warning, detail, remedy};
}

struct Examination {
  std::vector<Finding> findings;
  bool has_invalid_settings = false;
};

Task<> look(const Doctor& request, const fs::path& usual_config, Loop& loop, const Clock& clock,
            Examination& result) {
  result.findings = co_await look_at_host(loop, clock);
  const fs::path config = request.config.value_or(usual_config);
  std::error_code error;
  if (!request.config && !fs::exists(config, error)) co_return;
  Problems problems;
  const auto settings = read_probe_settings(config, problems);
  result.findings.push_back(settings_finding(config, problems));
  result.has_invalid_settings = !settings;
  if (!settings) co_return;
  const auto own = co_await look_at_settings(*settings, loop, clock);
  result.findings.insert(result.findings.end(), own.begin(), own.end());
}

}  // namespace

int examine(const Doctor& request, const fs::path& usual_config, std::FILE* out) {
  Loop loop;
  const SystemClock clock;
  Examination result;
  TaskGroup tasks(loop);
  tasks.spawn("doctor", look(request, usual_config, loop, clock, result));
  while (tasks.running() > 0) loop.run_one();

  const auto text = request.json ? doctor_json(result.findings) : doctor_table(result.findings, style_for(out));
  std::fwrite(text.data(), 1, text.size(), out);
  if (result.has_invalid_settings) return kInvalid;
  const bool has_trouble = std::any_of(result.findings.begin(), result.findings.end(),
                                       [](const auto& f) { return f.state == Finding::State::trouble; });
  return has_trouble ? kTrouble : kWell;
}

}  // namespace parallax
