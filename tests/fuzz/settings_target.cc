#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

#include "coordinator/server/settings.h"
#include "gradmint_test_paths.h"
#include "kernels/base/check.h"
#include "tests/fuzz/target.h"

namespace gradmint::fuzz {
namespace {

// Settings are read from a file; this process has one of its own for all inputs.
const std::filesystem::path& file() {
  static const std::filesystem::path path = [] {
    std::string name = (std::filesystem::temp_directory_path() / "gradmint-fuzz-XXXXXX").string();
    const int descriptor = ::mkstemp(name.data());
    GRADMINT_CHECK(descriptor >= 0);
    ::close(descriptor);
    std::atexit([] { std::filesystem::remove(file()); });
    return std::filesystem::path(name);
  }();
  return path;
}

void run(ByteView input) {
  std::ofstream(file(), std::ios::binary | std::ios::trunc)
      .write(reinterpret_cast<const char*>(input.data()),
             static_cast<std::streamsize>(input.size()));
  const auto settings = load_settings(file());
  if (!settings) GRADMINT_CHECK(settings.error().message.find('\n') == std::string::npos);
}

std::vector<Bytes> seeds() {
  std::ifstream in(std::string(GRADMINT_SOURCE_DIR) + "/docs/examples/federation.toml",
                   std::ios::binary);
  GRADMINT_CHECK(in.good());
  return {
      Bytes(std::istreambuf_iterator<char>(in), {}),
      bytes_of(
          "[rounds]\ncount = 3\n[aggregation]\naggregator = \"krum:f=1\"\npre = [\"clip:tau=2\"]\n"
          "[aggregation.optimizer_parameters]\nlr = 0.5\n"),
      bytes_of("[")};
}

}  // namespace

Target settings_target() { return {"settings", run, seeds}; }

}  // namespace gradmint::fuzz
