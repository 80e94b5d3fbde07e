// The mean's memory does not grow with the number of files. Its own program, so that no other
// child's peak is mistaken for it.
#include <doctest/doctest.h>
#include <sys/resource.h>

#include "tests/aggregate/files.h"

using namespace gradmint::test;

namespace {

// The highest peak of all children so far.
long peak_kib() {
  rusage usage{};
  REQUIRE(::getrusage(RUSAGE_CHILDREN, &usage) == 0);
  return usage.ru_maxrss;
}

}  // namespace

TEST_CASE("the peak for 32 files of 8 MB is that for 4 of them") {
  const Directory here;
  constexpr std::size_t count = 2'000'000;
  Words four, all;
  for (std::uint32_t i = 0; i < 32; ++i) {
    const auto file = here.path / ("update" + std::to_string(i) + ".safetensors");
    if (i < 4) {
      write_tensors_to(file, {floats("w", {count}, values_of(count, i))});
    } else {  // another name is another mapping
      std::filesystem::create_hard_link(
          here.path / ("update" + std::to_string(i % 4) + ".safetensors"), file);
    }
    if (i < 4) four.push_back(file);
    all.push_back(file);
  }
  const auto peak_for = [&](Words words) {
    for (const char* word : {"--threads", "2", "-o"}) words.push_back(word);
    words.push_back(here.path / "out.safetensors");
    const Ran ran = aggregate(words);
    CAPTURE(ran.errors);
    REQUIRE(ran.status == 0);
    return peak_kib();
  };
  const long with_four = peak_for(four);
  const long with_all = peak_for(all);
  MESSAGE("peak: " << with_four << " KiB for 4 files, " << with_all << " KiB for 32");
  CHECK(with_all < with_four + 16 * 1024);  // two more files would be seen
}
