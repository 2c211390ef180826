// parallax-probe: checks run on a schedule and reported (serve), or here and now for whoever asks (run); what this
// host can do for them (doctor).
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <exception>
#include <span>
#include <string>
#include <vector>

#include "base/certificate.h"
#include "base/nearest.h"
#include "probe/by_hand.h"
#include "probe/doctor.h"
#include "probe/serve.h"

namespace parallax {
namespace {

constexpr int kTrouble = 1;
constexpr int kBadUsage = 2;
constexpr const char* kUsualConfig = "/etc/parallax/probe.toml";

CLI::App& add_serve(CLI::App& app, std::string& config) {
  auto& serve =
      *app.add_subcommand("serve", "Run the checks of this location and report them, until told to stop");
  serve.add_option("--config", config, "The probe's settings")->capture_default_str();
  return serve;
}

void add_run(CLI::App& app, ByHand& request) {
  auto& run = *app.add_subcommand("run", "Run checks here and now, without a controller");
  run.add_option("what", request.what,
                 "A file or directory of definitions, or a URL: https://host/path, http://..., ping://host, "
                 "tls://host[:443]")
      ->required();
  run.add_option("--check", request.check, "Only the check with this id, like shop-api/health");
  const auto set_output = [&request](const std::string& word) {
    request.output = word == "json"    ? ByHand::Output::json
                     : word == "jsonl" ? ByHand::Output::jsonl
                                       : ByHand::Output::table;
  };
  run.add_option_function<std::string>("--output", set_output,
                                       "table, json (one object) or jsonl (one result a line)")
      ->check(CLI::IsMember({"table", "json", "jsonl"}));
  run.add_option("--repeat", request.repeat, "Run them so many times, a second apart")
      ->check(CLI::Range(1u, 1000000u));
  run.add_option("--config", request.config, "Apply the address guard and the secret limits of this probe.toml");
}

CLI::App& add_doctor(CLI::App& app, Doctor& request) {
  auto& doctor =
      *app.add_subcommand("doctor", "Say what this host can do for a probe, and how to mend what it cannot");
  doctor.add_option("--config", request.config,
                    fmt::format("Look at what this probe.toml needs, too; {} where there is one", kUsualConfig));
  const auto set_output = [&request](const std::string& word) { request.json = word == "json"; };
  doctor.add_option_function<std::string>("--output", set_output, "table or json")
      ->check(CLI::IsMember({"table", "json"}));
  return doctor;
}

// What is wrong with the command's name; empty when nothing is.
std::string wrong_command(const CLI::App& app, int argc, char** argv) {
  std::vector<std::string> commands;
  for (const CLI::App* one : app.get_subcommands({})) commands.push_back(one->get_name());
  const std::span<const char* const> arguments(argv, static_cast<std::size_t>(argc));
  return unknown_command(arguments, commands);
}

int serve_with(const std::string& config) {
  const SystemClock clock;
  Log log(clock, Log::Format::logfmt, Log::Level::info);
  return serve(config, log, clock);
}

int dispatch(int argc, char** argv) {
  CLI::App app("The probe of Parallax: sees your APIs from where it stands.", "parallax-probe");
  app.set_version_flag("--version", "parallax-probe " PARALLAX_VERSION);
  app.require_subcommand(1);
  std::string config = kUsualConfig;
  ByHand by_hand;
  const CLI::App& serve = add_serve(app, config);
  add_run(app, by_hand);
  Doctor doctor_request;
  const CLI::App& doctor = add_doctor(app, doctor_request);
  if (const auto wrong = wrong_command(app, argc, argv); !wrong.empty()) {
    fmt::print(stderr, "parallax-probe: {}\n", wrong);
    return kBadUsage;
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kBadUsage;
  }
  if (doctor.parsed()) return examine(doctor_request, kUsualConfig);
  return serve.parsed() ? serve_with(config) : run_by_hand(by_hand);
}

}  // namespace
}  // namespace parallax

int main(int argc, char** argv) {
  parallax::keep_openssl_to_the_end();
  try {
    return parallax::dispatch(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "parallax-probe: {}\n", error.what());
    return parallax::kTrouble;
  }
}
