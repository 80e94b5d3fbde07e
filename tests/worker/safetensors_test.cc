#include "ledger/model/safetensors.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <string>

using namespace gradmint;

namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes file_of(const std::string& header, std::size_t data_bytes) {
  Bytes file(8 + header.size() + data_bytes);
  const std::uint64_t size = header.size();
  std::memcpy(file.data(), &size, 8);
  std::memcpy(file.data() + 8, header.data(), header.size());
  return file;
}

ModelLayout small_layout() {
  return ModelLayout::create({{"b", {2}, false}, {"a", {1, 2}, false}, {"mean", {1}, true}})
      .value();
}

}  // namespace

TEST_CASE("what is written is read back, with layout and metadata") {
  const ModelLayout layout = small_layout();
  const std::vector<float> values = {1, -2, 3.5F, 0, 5};
  const Bytes file = write_safetensors(layout, values, {{"round", "3"}});
  CHECK(file == write_safetensors(layout, values, {{"round", "3"}}));
  const auto model = read_safetensors(file);
  REQUIRE(model.ok());
  CHECK(model->layout == layout);
  CHECK(model->parameters == values);
  CHECK(model->metadata.at("round") == "3");
  const auto as = read_safetensors_as(file, layout);
  REQUIRE(as.ok());
  CHECK(*as == values);
}

TEST_CASE("a file of other origin: data order and header order may differ, integers are left out") {
  Bytes file = file_of(
      R"({"z":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"steps":{"dtype":"I64","shape":[],)"
      R"("data_offsets":[8,16]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}   )",
      16);
  const float z = 7;
  const float a = 9;
  std::memcpy(file.data() + file.size() - 16, &z, 4);
  std::memcpy(file.data() + file.size() - 12, &a, 4);
  const auto model = read_safetensors(file);
  REQUIRE(model.ok());
  CHECK(model->parameters == std::vector<float>{9, 7});
}

TEST_CASE("headers that do not hold together are refused") {
  struct Row {
    std::string header;
    std::size_t data_bytes;
    const char* says;
  };
  const auto tensor = [](const std::string& dtype, const std::string& shape,
                         const std::string& offsets) {
    return R"({"a":{"dtype":")" + dtype + R"(","shape":)" + shape + R"(,"data_offsets":)" +
           offsets + "}}";
  };
  const std::vector<Row> table = {
      {"", 0, "not a JSON object"},
      {"[]", 0, "not a JSON object"},
      {"{", 0, "not JSON"},
      {"{}x", 0, "not JSON"},
      {R"({"a":1})", 0, "needs dtype"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"x":1}})", 4, "needs dtype"},
      {tensor("F32", "[1]", "[0,4]"), 3, "offsets outside"},
      {tensor("F32", "[1]", "[4,0]"), 4, "offsets outside"},
      {tensor("F32", "[1]", "[0]"), 4, "offsets outside"},
      {tensor("F32", "[1]", "[-4,0]"), 4, "offsets outside"},
      {tensor("F32", "[1]", "[0,18446744073709551615]"), 4, "offsets outside"},
      {tensor("F32", "[2]", "[0,4]"), 4, "shape"},
      {tensor("F32", "[18446744073709551615,2]", "[0,4]"), 4, "larger than the file"},
      {tensor("F32", "[1.5]", "[0,4]"), 4, "unusable shape"},
      {tensor("F32", "[1,1,1,1,1,1,1,1,1]", "[0,4]"), 4, "unusable shape"},
      {tensor("F32", "[1]", "[0,4]"), 8, "belong to no tensor"},
      {tensor("F32", "[1]", "[4,8]"), 8, "overlap or leave a gap"},
      {tensor("Q4", "[1]", "[0,4]"), 4, "unknown dtype 'Q4'"},
      {tensor("F8_E4M3", "[4]", "[0,4]"), 4, "is F8_E4M3"},
      {tensor("F64", "[1]", "[0,8]"), 8, "is F64"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)"
       R"("b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})",
       4, "overlap"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)"
       R"("a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})",
       4, "has \"a\" twice"},
      {R"({"__metadata__":{"k":1},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", 4,
       "not text"},
      {R"({"__metadata__":{"gradmint.layout":"{}"},"a":{"dtype":"F32","shape":[1],)"
       R"("data_offsets":[0,4]}})",
       4, "format"},
      {"{\"a\":" + std::string(5000, '['), 0, "nested more than 8 deep"},
  };
  for (const Row& row : table) {
    const auto model = read_safetensors(file_of(row.header, row.data_bytes));
    REQUIRE_MESSAGE(!model.ok(), row.header);
    CHECK_MESSAGE(model.error().message.find(row.says) != std::string::npos,
                  row.header << " -> " << model.error().message);
  }
}

TEST_CASE("a metadata layout larger than the data takes no memory") {
  const std::string header =
      R"({"__metadata__":{"gradmint.layout":"{\"format\":\"gradmint/layout/v1\",\"tensors\":)"
      R"([{\"buffer\":false,\"name\":\"a\",\"shape\":[1099511627776]}]}"}})";
  const auto model = read_safetensors(file_of(header, 0));
  REQUIRE(!model.ok());
  CHECK(model.error().message.find("more values than the file") != std::string::npos);
}

TEST_CASE("every truncation and every lie about the header's length is refused") {
  const Bytes good = write_safetensors(small_layout(), std::vector<float>{1, 2, 3, 4, 5});
  for (std::size_t size = 0; size < good.size(); ++size)
    CHECK(!read_safetensors(std::span(good).first(size)).ok());
  for (const std::uint64_t lie :
       {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{1} << 20, std::uint64_t{1} << 40,
        std::numeric_limits<std::uint64_t>::max()}) {
    Bytes file = good;
    std::memcpy(file.data(), &lie, 8);
    CHECK(!read_safetensors(file).ok());
  }
}

TEST_CASE("a trainer's output must be this model's, and finite") {
  const ModelLayout layout = small_layout();
  struct Row {
    std::vector<TensorSpec> tensors;
    const char* says;
  };
  const std::vector<Row> table = {
      {{{"a", {1, 2}, false}, {"b", {2}, false}}, "'mean' is missing"},
      {{{"a", {2, 1}, false}, {"b", {2}, false}, {"mean", {1}, true}}, "shape [2,1]"},
      {{{"a", {1, 2}, false}, {"b", {2}, false}, {"mean", {1}, true}, {"c", {1}, false}},
       "'c' is not part"},
  };
  for (const Row& row : table) {
    const ModelLayout other = ModelLayout::create(row.tensors).value();
    const Bytes file = write_safetensors(other, std::vector<float>(other.value_count()));
    const auto values = read_safetensors_as(file, layout);
    REQUIRE(!values.ok());
    CHECK_MESSAGE(values.error().message.find(row.says) != std::string::npos,
                  values.error().message);
  }
  for (const float bad : {std::nanf(""), HUGE_VALF, -HUGE_VALF}) {
    const auto values =
        read_safetensors_as(write_safetensors(layout, std::vector<float>{1, 2, bad, 4, 5}), layout);
    REQUIRE(!values.ok());
    CHECK(values.error().message.find("'b' holds a value that is not finite") != std::string::npos);
  }
}

TEST_CASE("the flat vector is fp32 little endian and nothing else") {
  const std::vector<float> values = {1.0F, -0.0F};
  CHECK(encode_flat_fp32(values) == Bytes{0, 0, 0x80, 0x3F, 0, 0, 0, 0x80});
  CHECK(*decode_flat_fp32(encode_flat_fp32(values)) == values);
  CHECK(!decode_flat_fp32(Bytes{1, 2, 3}).ok());
}
