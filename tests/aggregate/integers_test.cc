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
    const char* says;
  };
  constexpr const char* kLargest =
      "1 tensor, not averaged: each element's largest (--integers max)";
  constexpr const char* kFirst = "as the first file, or the model, has them (--integers first)";
  for (const Case& each :
       {Case{{ten, twelve}, 12, kLargest}, Case{{twelve, ten}, 12, kLargest},
        Case{{ten, twelve, "--integers", "first"}, 10, kFirst},
        Case{{twelve, ten, "--integers", "first"}, 12, kFirst},
        Case{{ten, twelve, "--integers", "first", "--model", twelve}, 12, kFirst},
        Case{{ten, twelve, "--integers", "drop"}, std::nullopt, nullptr}}) {
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
    CHECK((ran.output.find("\nintegers ") != std::string::npos) == count.has_value());
    if (each.says != nullptr)
      CHECK_MESSAGE(ran.output.find(each.says) != std::string::npos, ran.output);
    CHECK(header->tensors.size() > (count ? 1 : 0));
  }
}
