// The same mints, gas and peak memory: again, in threads, in other processes, environments and
// locales. The numbers are also pinned: a change of them is a new host ABI.
#include <doctest/doctest.h>

#include <array>
#include <clocale>
#include <cstdio>
#include <memory>
#include <thread>

#include "tests/contracts/rule_probe.h"

using namespace gradmint::contracts;
using namespace gradmint::contracts::test;

namespace {

std::string output_of(const std::string& command) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> pipe(popen(command.c_str(), "r"), pclose);
  REQUIRE(pipe != nullptr);
  std::string text;
  std::array<char, 4096> buffer{};
  while (const std::size_t got = std::fread(buffer.data(), 1, buffer.size(), pipe.get())) {
    text.append(buffer.data(), got);
  }
  return text;
}

}  // namespace

TEST_CASE("pinned: these numbers belong to this host ABI") {
  const std::string expected =
      "ok gas 19957 peak 43787 mints 169 digest 14471759595664047485\n"
      "ok gas 8108 peak 55304 mints 1 digest 1\n"
      "ok gas 4122 peak 34594 mints 1 digest 1597\n"
      "out_of_gas gas 2000000 peak 34004 mints 0 digest 0\n"
      "out_of_memory gas 580257 peak 4194297 mints 0 digest 0\n"
      "runtime_error gas 2464 peak 34293 mints 0 digest 0\n"
      "overflow gas 2472 peak 34207 mints 0 digest 0\n";
  CHECK(probe_report() == expected);
}

TEST_CASE("again, and in four threads at once") {
  const std::string first = probe_report();
  for (int i = 0; i < 3; ++i) CHECK(probe_report() == first);
  std::array<std::string, 4> reports;
  std::vector<std::thread> threads;
  for (std::string& report : reports) threads.emplace_back([&report] { report = probe_report(); });
  for (std::thread& thread : threads) thread.join();
  for (const std::string& report : reports) CHECK(report == first);
}

TEST_CASE("in processes of their own, under other environments") {
  const std::string here = probe_report();
  for (const char* environment :
       {"env -i", "env -i LC_ALL=C.UTF-8 LANG=de_DE.UTF-8", "LC_ALL=en_US.UTF-8 HOME=/nowhere",
        "LUA_INIT='error()' LUA_PATH=/nowhere TZ=Asia/Tokyo LC_NUMERIC=de_DE.UTF-8"}) {
    CAPTURE(std::string(environment));
    CHECK(output_of(std::string(environment) + " '" RULE_PROBE "'") == here);
  }
}

TEST_CASE("in every locale this machine has") {
  const std::string here = probe_report();
  int tried = 0;
  for (const char* name : {"C.UTF-8", "en_US.UTF-8", "de_DE.UTF-8", "fr_FR.UTF-8", "tr_TR.UTF-8"}) {
    if (std::setlocale(LC_ALL, name) == nullptr) continue;
    CAPTURE(std::string(name));
    CHECK(probe_report() == here);
    CHECK(std::string(std::setlocale(LC_ALL, nullptr)) == name);  // and it is left as it was
    ++tried;
  }
  std::setlocale(LC_ALL, "C");
  MESSAGE("locales tried: ", tried);
}
