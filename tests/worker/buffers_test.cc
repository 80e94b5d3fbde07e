// Which tensors of a file are buffers, and what is said where nobody called them so.
#include "ledger/model/buffers.h"

#include <doctest/doctest.h>

#include <cstring>

#include "ledger/model/safetensors.h"

using namespace gradmint;

namespace {

using Bytes = std::vector<std::uint8_t>;

// One value each, of the dtype; bytes as given.
Bytes file_of(const std::vector<std::pair<std::string, std::string>>& tensors, const Bytes& data) {
  std::vector<SafetensorsTensor> listed;
  std::uint64_t at = 0;
  for (const auto& [name, dtype] : tensors) {
    const std::uint64_t end = at + dtype_size_bytes(dtype);
    listed.push_back({name, dtype, {1}, at, end});
    at = end;
  }
  Bytes file = safetensors_prefix(listed, {});
  file.insert(file.end(), data.begin(), data.end());
  return file;
}

std::string buffers_of(const ModelLayout& layout) {
  std::string names;
  for (const TensorSpec& tensor : layout.tensors())
    if (tensor.is_buffer) names += tensor.name + " ";
  return names;
}

}  // namespace

TEST_CASE("patterns: '*' and '?' and nothing else") {
  struct Row {
    const char* pattern;
    const char* name;
    bool matches;
  };
  const Row table[] = {
      {"a.b", "a.b", true},
      {"a.b", "axb", false},
      {"*", "", true},
      {"*", "a.b", true},
      {"*.ema", "x.ema", true},
      {"*.ema", "x.ema.y", false},
      {"a*b*c", "aXbYbZc", true},
      {"a*b*c", "aXbYbZ", false},
      {"?x", "ax", true},
      {"?x", "x", false},
      {"", "", true},
      {"", "a", false},
      {"a**", "a", true},
      {"*a", "aaab", false},
      {"[ab]", "a", false},
  };
  for (const Row& row : table) {
    CAPTURE(row.pattern);
    CAPTURE(row.name);
    CHECK(matches_pattern(row.pattern, row.name) == row.matches);
  }
  // No pattern makes it slow.
  std::string stars;
  for (int i = 0; i < 200; ++i) stars += "*a";
  CHECK_FALSE(matches_pattern(stars + "b", std::string(20'000, 'a')));
}

TEST_CASE("a file of PyTorch's: running statistics are buffers, counters stay out") {
  const Bytes data(4 * 5 + 8, 0);
  const Bytes file = file_of({{"bn.num_batches_tracked", "I64"},
                              {"bn.running_mean", "F32"},
                              {"bn.running_var", "F32"},
                              {"bn.weight", "F32"},
                              {"my_running_mean", "F32"},
                              {"ema.weight", "F32"}},
                             data);
  CHECK(buffers_of(read_safetensors(file)->layout) == "bn.running_mean bn.running_var ");
  const std::vector<std::string> ema{"ema.*"}, slip{"ema*", "emma.*"}, all{"*"};
  CHECK(buffers_of(read_safetensors(file, ema)->layout) ==
        "bn.running_mean bn.running_var ema.weight ");
  const auto refused = read_safetensors(file, slip);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().message.find("named 'emma.*'") != std::string::npos);
  CHECK(read_safetensors(file, all).error().message.find("all tensors are buffers") !=
        std::string::npos);
}

TEST_CASE("a layout of gradmint's own stands, and patterns add to it") {
  const ModelLayout own =
      *ModelLayout::create({{"running_mean", {1}, false}, {"a", {1}, false}, {"b", {1}, true}});
  const Bytes file = write_safetensors(own, std::vector<float>{1, 2, 3});
  CHECK(read_safetensors(file)->layout == own);
  const std::vector<std::string> a{"a"};
  const auto marked = read_safetensors(file, a);
  CHECK(buffers_of(marked->layout) == "a b ");
  CHECK(marked->parameters == std::vector<float>{2, 1, 3});
}

TEST_CASE("halves are widened, other dtypes named") {
  const Bytes data{0x80, 0x3F, 0x00, 0x42, 0, 0, 0x40, 0x40};
  const auto model = read_safetensors(file_of({{"a", "BF16"}, {"b", "F16"}, {"c", "F32"}}, data));
  REQUIRE_MESSAGE(model.ok(), model.error().message);
  CHECK(model->parameters == std::vector<float>{1, 3, 3});
  const auto wide = read_safetensors(file_of({{"a", "F64"}}, Bytes(8, 0)));
  CHECK(wide.error().message.find("'a' is F64; save it as F32, BF16 or F16") != std::string::npos);
}

TEST_CASE("a few tensors that carry almost all of an update's norm are named") {
  const ModelLayout layout = *ModelLayout::create(
      {{"a", {10, 100}, false}, {"b", {100}, false}, {"moving", {2}, false}, {"z", {50}, true}});
  std::vector<float> update(layout.value_count(), 0.5F);
  CHECK(lopsided_norm(layout, update).empty());
  for (std::size_t i = 1102; i < update.size(); ++i) update[i] = 1e9F;  // buffers do not count
  CHECK(lopsided_norm(layout, update).empty());
  update[1100] = 100;
  const std::string said = lopsided_norm(layout, update);
  CHECK(said.find("lies in 2 of 1102 parameters (moving)") != std::string::npos);
  CHECK(said.find("97.3 %") != std::string::npos);
  std::fill(update.begin(), update.end(), 0.0F);
  CHECK(lopsided_norm(layout, update).empty());
}
