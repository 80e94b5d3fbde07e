#include "ledger/model/layout.h"

#include <doctest/doctest.h>

using namespace gradmint;

TEST_CASE("a layout puts parameters bytewise by name, then buffers") {
  const auto layout = ModelLayout::create(
      {{"b", {2, 3}, false}, {"a.buffer", {4}, true}, {"B", {}, false}, {"a", {0}, false}});
  REQUIRE(layout.ok());
  std::string order;
  for (const TensorSpec& tensor : layout->tensors()) order += tensor.name + " ";
  CHECK(order == "B a b a.buffer ");
  CHECK(layout->value_count() == 1 + 0 + 6 + 4);
  CHECK(layout->size() == ModelSize{7, 4});
  CHECK(describe(layout->size()) == "7 parameters and 4 values of buffers");
}

TEST_CASE("a layout's text is canonical: golden, and read back") {
  const auto layout = ModelLayout::create({{"w", {3, 2}, false}, {"mean", {2}, true}});
  REQUIRE(layout.ok());
  const std::string golden =
      R"({"format":"gradmint/layout/v1","tensors":[{"buffer":false,"name":"w","shape":[3,2]},)"
      R"({"buffer":true,"name":"mean","shape":[2]}]})";
  CHECK(layout->encode() == golden);
  const auto decoded = ModelLayout::decode(golden);
  REQUIRE(decoded.ok());
  CHECK(*decoded == *layout);
}

TEST_CASE("a tensor's name may be any text") {
  const auto layout =
      ModelLayout::create({{"schicht 1/gewicht ä", {1}, false}, {"層", {1}, false}});
  REQUIRE_MESSAGE(layout.ok(), layout.error().message);
  const std::string text = layout->encode();
  CHECK(text ==
        R"({"format":"gradmint/layout/v1","tensors":[{"buffer":false,"name":"schicht 1/gewicht ä",)"
        R"("shape":[1]},{"buffer":false,"name":"層","shape":[1]}]})");
  CHECK(ModelLayout::decode(text).value() == *layout);
}

TEST_CASE("layouts that cannot be are refused by name") {
  struct Row {
    std::vector<TensorSpec> tensors;
    const char* says;
  };
  const std::vector<Row> table = {
      {{}, "no tensors"},
      {{{"", {1}, false}}, "1 to 512"},
      {{{std::string(513, 'x'), {1}, false}}, "1 to 512"},
      {{{"a\nb", {1}, false}}, "without control characters"},
      {{{"a\u202Eb", {1}, false}}, "without control characters"},
      {{{"\xC3", {1}, false}}, "UTF-8"},
      {{{"__metadata__", {1}, false}}, "__metadata__"},
      {{{"a", {1}, false}, {"a", {1}, true}}, "'a' is there twice"},
      {{{"a", std::vector<std::uint64_t>(9, 1), false}}, "8 dimensions"},
      {{{"a", {1ULL << 41}, false}}, "too many elements"},
      {{{"a", {1ULL << 32, 1ULL << 32}, false}}, "too many elements"},
      {{{"a", {1ULL << 40}, false}, {"b", {1}, false}}, "too many parameters"},
      {{{"a", {0}, false}}, "all tensors are empty"},
      {{{"a", {0}, false}, {"b", {3}, true}}, "all tensors are buffers"},
  };
  for (const Row& row : table) {
    const auto layout = ModelLayout::create(row.tensors);
    REQUIRE_MESSAGE(!layout.ok(), row.says);
    CHECK_MESSAGE(layout.error().message.find(row.says) != std::string::npos,
                  layout.error().message);
  }
}

TEST_CASE("texts that are not exactly canonical are refused") {
  const std::string good =
      R"({"format":"gradmint/layout/v1","tensors":[{"buffer":false,"name":"w","shape":[2]}]})";
  REQUIRE(ModelLayout::decode(good).ok());
  const std::vector<std::string> table = {
      "",
      "[]",
      "null",
      good + " ",
      " " + good,
      good.substr(0, good.size() - 1),
      R"({"format":"gradmint/layout/v2","tensors":[{"buffer":false,"name":"w","shape":[2]}]})",
      R"({"format":"gradmint/layout/v1","tensors":[{"name":"w","buffer":false,"shape":[2]}]})",
      R"({"format":"gradmint/layout/v1","tensors":[{"buffer":false,"name":"w","shape":[2],"x":1}]})",
      R"({"format":"gradmint/layout/v1","tensors":[{"buffer":false,"name":"w","shape":[2.0]}]})",
      R"({"format":"gradmint/layout/v1","tensors":[{"buffer":false,"name":"w","shape":[-2]}]})",
      R"({"format":"gradmint/layout/v1","tensors":[{"buffer":0,"name":"w","shape":[2]}]})",
      R"({"format":"gradmint/layout/v1","tensors":[{"buffer":false,"name":"w","shape":[2]}],"tensors":[]})",
      std::string(100000, '['),
  };
  for (const std::string& text : table)
    CHECK_MESSAGE(!ModelLayout::decode(text).ok(), text.substr(0, 120));
  for (std::size_t i = 0; i < good.size(); ++i) {  // no single changed byte is read as the same
    std::string changed = good;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    const auto layout = ModelLayout::decode(changed);
    if (layout.ok()) CHECK(layout->encode() == changed);
  }
}
