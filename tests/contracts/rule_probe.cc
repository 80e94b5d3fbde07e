// Prints what a set of rules does in this process, one line each: code, gas, peak memory, mints.
// Takes the locale from the environment, as a careless embedding program would.
#include "tests/contracts/rule_probe.h"

#include <clocale>
#include <cstdio>
#include <string>

int main() {
  std::setlocale(LC_ALL, "");
  std::fputs(gradmint::contracts::test::probe_report().c_str(), stdout);
  return 0;
}
