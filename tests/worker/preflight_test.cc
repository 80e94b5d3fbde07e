#include "worker/preflight.h"

#include <doctest/doctest.h>

#include <chrono>
#include <fstream>

#include "kernels/base/utc_text.h"
#include "tests/worker/scratch.h"

using namespace gradmint;
using gradmint::test::Scratch;

TEST_CASE("moments are told in UTC") {
  CHECK(utc_text(0) == "1970-01-01 00:00:00 UTC");
  CHECK(utc_text(951'782'399'999) == "2000-02-28 23:59:59 UTC");
  CHECK(utc_text(253'402'300'799'999) == "9999-12-31 23:59:59 UTC");
  CHECK(utc_text(~0ULL) == "-");
}

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
  CHECK(check_clock(now - 20'000).word == CheckWord::ok);
  for (const std::int64_t there : {now - 3'600'000, now + 40'000}) {
    const CheckLine far = check_clock(there);
    CHECK(far.passed);  // nothing on the ledger depends on a clock
    CHECK(far.word == CheckWord::warning);
    CHECK(far.text.find("here it is 2") == 0);
    CHECK(far.text.find("at the coordinator " + utc_text(static_cast<std::uint64_t>(there))) !=
          std::string::npos);
    CHECK(format_check(far).starts_with("warning clock"));
  }

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
