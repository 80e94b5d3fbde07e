#include "worker/preflight.h"

#include <doctest/doctest.h>

#include <chrono>
#include <fstream>

#include "tests/worker/scratch.h"

using namespace gradmint;
using gradmint::test::Scratch;

TEST_CASE("checks pass, or say what to do") {
  const Scratch scratch;
  CHECK(check_memory(1).passed);
  const CheckLine memory = check_memory(~0ULL);
  CHECK(!memory.passed);
  CHECK(memory.text.find("needed; close") != std::string::npos);

  const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(
                       std::chrono::system_clock::now().time_since_epoch())
                       .count();
  CHECK(check_clock(std::nullopt).passed);
  CHECK(check_clock(now).passed);
  CHECK(!check_clock(now - 3'600'000).passed);
  CHECK(!check_clock(now + 3'600'000).passed);

  const auto file = scratch.path() / "key.json";
  CHECK(check_key(file).text.find("keys new") != std::string::npos);
  std::ofstream(file) << "{}";
  std::filesystem::permissions(file, std::filesystem::perms(0644));
  CHECK(check_key(file).text.find("chmod 600") != std::string::npos);
  std::filesystem::permissions(file, std::filesystem::perms(0600));
  CHECK(check_key(file).passed);

  CHECK(!check_home(file).passed);
  CHECK(!check_home(file / "below").passed);
  CHECK(check_home(scratch.path() / "not" / "yet").text.find("free on its disk") !=
        std::string::npos);
  CHECK(format_check({"key", true, "here"}) == "ok      key       here");
  CHECK(format_check({"key", false, "gone"}) == "FAILED  key       gone");
}
