// clang's libFuzzer over the target that GRADMINT_FUZZ_TARGET names (its own options are the
// arguments). `fuzz -seeds=DIR`, with that variable set, writes the target's seeds there and ends.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "tests/fuzz/target.h"

namespace {

const gradmint::fuzz::Target* chosen = nullptr;

std::vector<gradmint::fuzz::Target> all_targets() {
  std::vector<gradmint::fuzz::Target> all = gradmint::fuzz::decoder_targets();
  const auto& stateful = gradmint::fuzz::stateful_targets();
  all.insert(all.end(), stateful.begin(), stateful.end());
  return all;
}

[[noreturn]] void wrong(const std::string& what) {
  std::fprintf(stderr, "fuzz: %s: set GRADMINT_FUZZ_TARGET to one of:", what.c_str());
  for (const auto& target : all_targets())
    std::fprintf(stderr, " %s", std::string(target.name).c_str());
  std::fputc('\n', stderr);
  std::exit(2);
}

void write_seeds(const std::string& directory) {
  int number = 0;
  for (const gradmint::Bytes& seed : chosen->seeds()) {
    std::ofstream out(directory + "/seed-" + std::to_string(number++), std::ios::binary);
    out.write(reinterpret_cast<const char*>(seed.data()),
              static_cast<std::streamsize>(seed.size()));
    if (!out.flush()) {
      std::fprintf(stderr, "fuzz: cannot write seeds into %s\n", directory.c_str());
      std::exit(1);
    }
  }
  std::exit(0);
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  const char* name = std::getenv("GRADMINT_FUZZ_TARGET");
  if (name == nullptr) wrong("no target");
  static const std::vector<gradmint::fuzz::Target> all = all_targets();
  for (const auto& target : all) {
    if (target.name == name) chosen = &target;
  }
  if (chosen == nullptr) wrong(std::string("no target ") + name);
  constexpr std::string_view kSeeds = "-seeds=";
  for (int i = 1; i < *argc; ++i) {
    const std::string_view argument = (*argv)[i];
    if (argument.substr(0, kSeeds.size()) == kSeeds)
      write_seeds(std::string(argument.substr(kSeeds.size())));
  }
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  chosen->run({data, size});
  return 0;
}
