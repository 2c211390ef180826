// parallax-probe: checks run on a schedule and reported (serve), or here and now for whoever asks (run).
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <exception>
#include <map>
#include <string>

#include "base/certificate.h"
#include "probe/by_hand.h"
#include "probe/serve.h"

namespace parallax {
namespace {

constexpr int kTrouble = 1;
constexpr int kBadUsage = 2;

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

int serve_with(const std::string& config) {
  const SystemClock clock;
  Log log(clock, Log::Format::logfmt, Log::Level::info);
  return serve(config, log, clock);
}

int dispatch(int argc, char** argv) {
  CLI::App app("The probe of Parallax: sees your APIs from where it stands.", "parallax-probe");
  app.set_version_flag("--version", "parallax-probe " PARALLAX_VERSION);
  app.require_subcommand(1);
  std::string config = "/etc/parallax/probe.toml";
  ByHand by_hand;
  const CLI::App& serve = add_serve(app, config);
  add_run(app, by_hand);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kBadUsage;
  }
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
