// Counters and other integer tensors, which no rule averages.
#include <doctest/doctest.h>

#include <optional>

#include "ledger/model/safetensors.h"
#include "tests/aggregate/files.h"
#include "tests/support/paths.h"

using namespace gradmint;
using namespace gradmint::test;

TEST_CASE("integers that differ: the largest, the first file's, or none") {
  const Directory here;
  const std::string out = (here.path / "out").string();
  const std::string ten = (cases_dir() / "safetensors/counter_10.safetensors").string();
  const std::string twelve = (cases_dir() / "safetensors/counter_12.safetensors").string();
  struct Case {
    Words words;
    std::optional<std::uint8_t> count;
  };
  for (const Case& each : {Case{{ten, twelve}, 12}, Case{{twelve, ten}, 12},
                           Case{{ten, twelve, "--integers", "first"}, 10},
                           Case{{twelve, ten, "--integers", "first"}, 12},
                           Case{{ten, twelve, "--integers", "first", "--model", twelve}, 12},
                           Case{{ten, twelve, "--integers", "drop"}, std::nullopt}}) {
    Words words = each.words;
    words.insert(words.end(), {"-o", out});
    const Ran ran = aggregate(words);
    REQUIRE_MESSAGE(ran.status == 0, ran.errors);
    const std::string file = read_text(out);
    const auto header = parse_safetensors(as_bytes(file));
    REQUIRE(header.ok());
    std::optional<std::uint8_t> count;
    for (const SafetensorsTensor& tensor : header->tensors)
      if (is_integer_dtype(tensor.dtype))
        count = static_cast<std::uint8_t>(file[header->data_offset + tensor.begin]);
    CHECK(count == each.count);
    CHECK(header->tensors.size() > (count ? 1 : 0));
  }
}
