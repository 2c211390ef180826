// parallax-controller: reads check definitions, hands each probe its checks, keeps the books, shows them.
#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <span>
#include <string>
#include <vector>

#include "base/certificate.h"
#include "base/nearest.h"
#include "controller/reference/reference.h"
#include "controller/rules_command.h"
#include "controller/serve.h"
#include "controller/verify.h"

namespace {

constexpr int kBadUsage = 2;

// --output table|json, the same for every command that prints something.
void add_output(CLI::App& command, std::string& output) {
  command.add_option("--output", output, "table or json")->check(CLI::IsMember({"table", "json"}));
}

}  // namespace

int main(int argc, char** argv) {
  parallax::keep_openssl_to_the_end();
  std::string config = "controller.toml";
  std::string output = "table";
  std::string subject;
  std::string compare;
  std::string notation = "yaml";
  std::string directory;

  CLI::App app("Parallax controller: hands out checks, keeps the books, shows them to Prometheus",
               "parallax-controller");
  app.set_version_flag("--version", std::string("parallax-controller ") + PARALLAX_VERSION);
  app.require_subcommand(1);

  auto* serve = app.add_subcommand("serve", "Serve probes and Prometheus until SIGTERM");
  serve->add_option("--config", config, "controller.toml");

  auto* verify = app.add_subcommand("verify", "Say whether definitions are valid: 0 yes, 4 no");
  verify->add_option("PATH", subject, "A file or a directory of definitions")->required();
  add_output(*verify, output);

  auto* rules =
      app.add_subcommand("rules", "Print the Prometheus rules that follow from the services' objectives");
  rules->add_option("PATH", subject, "A file or a directory of definitions")->required();
  rules->add_option("--output", notation, "yaml or json; Prometheus takes both")
      ->check(CLI::IsMember({"yaml", "json"}));
  rules->add_option("--compare", compare,
                    "Print nothing; say how this rule file differs: 0 not at all, 1 it does");

  auto* explain = app.add_subcommand("explain", "Say why a check runs where it runs, and since when");
  explain->add_option("ID", subject, "The check, like shop-api/health")->required();
  explain->add_option("--config", config, "controller.toml of the running controller");
  add_output(*explain, output);

  auto* forget = app.add_subcommand("forget", "Drop the series of a probe that is gone");
  forget->add_option("NAME", subject, "The probe, like edge-7")->required();
  forget->add_option("--config", config, "controller.toml of the running controller");

  auto* reference = app.add_subcommand("reference", "Print the reference of keys, metrics and settings");
  auto* page =
      reference->add_option("PAGE", subject, "checks, metrics, settings, checks-schema, locations-schema");
  auto* write = reference->add_option("--write", directory, "Write every page into this directory instead");
  page->excludes(write);

  std::vector<std::string> commands;
  for (const CLI::App* one : app.get_subcommands({})) commands.push_back(one->get_name());
  const std::span<const char* const> arguments(argv, static_cast<std::size_t>(argc));
  if (const auto wrong = parallax::unknown_command(arguments, commands); !wrong.empty()) {
    std::fprintf(stderr, "parallax-controller: %s\n", wrong.c_str());
    return kBadUsage;
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kBadUsage;
  }
  if (*verify) return parallax::verify(subject, output == "json", stdout, stderr);
  if (*rules) return parallax::print_rules(subject, notation == "json", compare, stdout, stderr);
  if (*reference) return parallax::print_reference(subject, directory, stdout, stderr);

  // These talk over sockets. Above, `parallax-controller rules checks/ | head` is to end as every command does.
  std::signal(SIGPIPE, SIG_IGN);
  if (*serve) return parallax::serve(config);
  if (*explain)
    return parallax::ask_controller(config, "GET", "/explain", {{"check", subject}, {"output", output}});
  return parallax::ask_controller(config, "POST", "/forget", {{"probe", subject}});
}
