// What a coordinator prints about texts that should never have come so far.
#include "coordinator/cli/event_output.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <iostream>
#include <sstream>
#include <vector>

using namespace gradmint;
using nlohmann::json;

namespace {

// Bytes that are no UTF-8, an escape sequence, a line of its own, a mark that reorders.
const std::string kHostile = "\xff\xfe\x1b[2J\nwarning: \u202e";

std::vector<json> hostile_events() {
  const json worker = {{"worker", "gm1x"}, {"name", kHostile}};
  json joined = worker, accepted = worker, rejected = worker, mint = worker;
  const json metric = {{"measured", 1}, {"median_micro", 1}, {"mean_micro", 1}};
  joined["event"] = "worker_registered";
  accepted.update({{"weight", 1}, {"score_ppm", 1}});
  rejected["reason"] = kHostile;
  mint["amount"] = "1";
  return {joined,
          {{"event", "round_opened"}, {"round", 1}, {"attempt", 0}, {"members", 2}, {"rounds", 1}},
          {{"event", "result"},
           {"round", 1},
           {"model_root", "00"},
           {"accepted", {accepted}},
           {"rejected", {rejected}}},
          {{"event", "abandoned"}, {"round", 1}, {"attempt", 0}, {"reason", kHostile}},
          {{"event", "settled"},
           {"round", 1},
           {"attestations", 1},
           {"metrics", {{kHostile, metric}}},
           {"training", {{kHostile, metric}}},
           {"mints", {mint}},
           {"minted_total", "1"}},
          {{"event", "warning"}, {"text", kHostile}}};
}

// What a process prints about them, and that it ends well.
std::string printed(bool json_lines) {
  std::FILE* file = std::tmpfile();
  REQUIRE(file != nullptr);
  std::cout.flush();  // or the child's end writes what this process has not written yet
  std::fflush(nullptr);
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::dup2(::fileno(file), STDOUT_FILENO);
    EventOutput output({json_lines, "home", false});
    for (const json& event : hostile_events()) output.on(event);
    output.close(10'000);
    ::_exit(0);
  }
  int status = 0;
  REQUIRE(::waitpid(pid, &status, 0) == pid);
  CHECK(status == 0);
  std::rewind(file);
  std::string text;
  char buffer[4096];
  for (std::size_t got; (got = std::fread(buffer, 1, sizeof buffer, file)) > 0;)
    text.append(buffer, got);
  std::fclose(file);
  return text;
}

void check_harmless(const std::string& text) {
  CAPTURE(text);
  CHECK_FALSE(text.empty());
  for (const char c : text) CHECK((static_cast<unsigned char>(c) >= 0x20 || c == '\n'));
  for (const char* obeyed : {"\xff", "\x7f", "\u202e", "\u009b"})
    CHECK(text.find(obeyed) == std::string::npos);
}

}  // namespace

TEST_CASE("JSON lines: one for each event, whatever its texts hold") {
  const std::string text = printed(true);
  check_harmless(text);
  std::istringstream lines(text);
  std::vector<std::string> kinds;
  for (std::string line; std::getline(lines, line);) kinds.push_back(json::parse(line).at("event"));
  CHECK(kinds == std::vector<std::string>{"worker_registered", "round_opened", "result",
                                          "abandoned", "settled", "warning"});
}

TEST_CASE("the display: no text forges a line or commands the terminal") {
  const std::string text = printed(false);
  check_harmless(text);
  CHECK(text.find("\nwarning: \\u202e") == std::string::npos);
  CHECK(text.find("\\x1b[2J\\x0awarning: \\u202e") != std::string::npos);
}
