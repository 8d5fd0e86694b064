// 429chain-simulate: fleets in virtual time, from seeds.
#include <cstdio>
#include <string>

#include <CLI/CLI.hpp>

#include "tests/dst/report.h"
#include "tests/dst/scenario.h"

int main(int argc, char** argv) {
  using namespace chain429::dst;
  CLI::App app(
      "Runs whole fleets in virtual time: the production broker, registry, links, desks and walks, with simulated\n"
      "providers, clients, network, clocks and crashes. One seed gives one run, always the same.\n"
      "Without --scenario every row is run from every seed.");
  ReportOptions options;
  double hours = 0;
  app.add_option("--seeds", options.seeds, "How many seeds to run")->check(CLI::PositiveNumber)->capture_default_str();
  app.add_option("--first-seed", options.first_seed, "The first of them")->capture_default_str();
  app.add_option("--scenario", options.scenarios, "Only this one; may be given several times (see --list)");
  app.add_option("--hours", hours, "Virtual hours of each run; without it the scenario's own length")
      ->check(CLI::PositiveNumber);
  app.add_flag("--list", options.list, "List the scenarios and end");
  app.add_flag("--rows", options.rows, "Only the rows, without the worlds that seeds make up");
  app.add_flag("--trace", options.trace, "Tell what happens, line by line, on standard error");
  app.footer("Ends with 0 if everything held and was reached, 1 if not, 2 for a wrong flag.");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  options.length = absl::Hours(hours);
  for (const std::string& name : options.scenarios) {
    if (FindScenario(name) == nullptr) {
      std::fprintf(stderr, "there is no scenario '%s'; --list shows them\n", name.c_str());
      return 2;
    }
  }
  return Report(options);
}
