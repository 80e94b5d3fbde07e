#include "tests/fuzz/corpus.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "gradmint_test_paths.h"
#include "tests/dice.h"

namespace gradmint::fuzz {
namespace {

using test::Dice;

constexpr int kMutationsOfEach = 64;
constexpr int kMutationsOfStateful = 4;  // each takes milliseconds and a handshake or two
constexpr std::size_t kMaxMutatedBytes = 4096;

std::vector<Bytes> corpus_of(const Target& target) {
  std::vector<Bytes> inputs = target.seeds();
  const auto folder =
      std::filesystem::path(GRADMINT_SOURCE_DIR) / "tests/fuzz/corpus" / target.name;
  if (!std::filesystem::is_directory(folder)) return inputs;
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  for (const auto& file : files) {
    std::ifstream in(file, std::ios::binary);
    inputs.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
  }
  return inputs;
}

Bytes mutated(Bytes input, Dice& dice) {
  for (std::size_t step = 1 + dice.below(4); step > 0; --step) {
    const std::size_t at = input.empty() ? 0 : dice.below(input.size());
    const auto where = input.begin() + static_cast<std::ptrdiff_t>(at);
    switch (dice.below(5)) {
      case 0:
        if (!input.empty()) *where = static_cast<std::uint8_t>(dice.below(256));
        break;
      case 1:
        if (!input.empty()) *where = static_cast<std::uint8_t>(*where ^ (1U << dice.below(8)));
        break;
      case 2:
        input.insert(where, static_cast<std::uint8_t>(dice.below(256)));
        break;
      case 3:
        input.erase(where, input.end());
        break;
      default:
        if (!input.empty()) input.erase(where);
        break;
    }
  }
  return input;
}

// A target that fails ends the process: then it is told which one it was, and at which input.
std::string running_target;
volatile std::size_t running_input = 0;
void (*abort_before)(int) = SIG_DFL;

void tell_and_abort(int) {
  char line[80];
  const int size = std::snprintf(line, sizeof line, "fuzz: %s: input %zu or a mutation of it\n",
                                 running_target.c_str(), running_input);
  static_cast<void>(!write(STDERR_FILENO, line, static_cast<std::size_t>(size)));
  std::signal(SIGABRT, abort_before);
  std::abort();
}

}  // namespace

void run_corpus(const std::vector<Target>& targets) {
  const char* only = std::getenv("GRADMINT_FUZZ_TARGET");
  int ran = 0;
  abort_before = std::signal(SIGABRT, tell_and_abort);
  for (const Target& target : targets) {
    if (only != nullptr && target.name != only) continue;
    ++ran;
    const std::vector<Bytes> inputs = corpus_of(target);
    CAPTURE(target.name);
    REQUIRE_FALSE(inputs.empty());
    running_target = target.name;
    for (std::size_t number = 0; number < inputs.size(); ++number) {
      const Bytes& input = inputs[number];
      running_input = number;
      target.run(input);
      Dice dice(number);
      if (input.size() > kMaxMutatedBytes) continue;
      const int mutations = target.stateful ? kMutationsOfStateful : kMutationsOfEach;
      for (int i = 0; i < mutations; ++i) target.run(mutated(input, dice));
    }
  }
  std::signal(SIGABRT, abort_before);
  if (ran == 0) MESSAGE("GRADMINT_FUZZ_TARGET names none of these");
}

}  // namespace gradmint::fuzz
