// What a model's JSON costs by its number of tensors: safetensors headers and layouts, up to the
// most that a layout may have (kMaxLayoutTensors). Of each tensor there is one value, so that
// nothing else is measured.
//
//   model_benchmark [--benchmark_filter=REGEX] ...
#include <benchmark/benchmark.h>

#include <cstring>
#include <string>
#include <vector>

#include "ledger/model/layout.h"
#include "ledger/model/safetensors.h"

namespace {

using namespace gradmint;

ModelLayout layout_of(std::int64_t tensors) {
  std::vector<TensorSpec> specs;
  for (std::int64_t i = 0; i < tensors; ++i)
    specs.push_back({"model.layers." + std::to_string(i) + ".weight", {1, 1}, false});
  return ModelLayout::create(std::move(specs)).value();
}

std::vector<std::uint8_t> file_of(const ModelLayout& layout) {
  return write_safetensors(layout, std::vector<float>(layout.value_count(), 1.0F));
}

void read_file(benchmark::State& state) {
  const auto file = file_of(layout_of(state.range(0)));
  for ([[maybe_unused]] auto _ : state)
    if (!read_safetensors(file).ok()) state.SkipWithError("not read");
  state.counters["MB"] = static_cast<double>(file.size()) / 1e6;
}

void write_file(benchmark::State& state) {
  const ModelLayout layout = layout_of(state.range(0));
  for ([[maybe_unused]] auto _ : state) benchmark::DoNotOptimize(file_of(layout));
}

void decode_layout(benchmark::State& state) {
  const std::string text = layout_of(state.range(0)).encode();
  for ([[maybe_unused]] auto _ : state)
    if (!ModelLayout::decode(text).ok()) state.SkipWithError("not read");
  state.counters["MB"] = static_cast<double>(text.size()) / 1e6;
}

// A header of as many empty objects, which is refused after it was read.
void refuse_empty_objects(benchmark::State& state) {
  std::string header = "{";
  for (std::int64_t i = 0; i < state.range(0); ++i) header += "\"" + std::to_string(i) + "\":{},";
  header.back() = '}';
  std::vector<std::uint8_t> file(8 + header.size());
  const std::uint64_t size = header.size();
  std::memcpy(file.data(), &size, 8);
  std::memcpy(file.data() + 8, header.data(), header.size());
  for ([[maybe_unused]] auto _ : state)
    if (parse_safetensors(file).ok()) state.SkipWithError("not refused");
  state.counters["MB"] = static_cast<double>(file.size()) / 1e6;
}

void sizes(benchmark::internal::Benchmark* cases) {
  for (const std::int64_t tensors : {1024, 8192, 20'000, 65'536}) cases->Arg(tensors);
  cases->Unit(benchmark::kMillisecond);
}

BENCHMARK(read_file)->Apply(sizes);
BENCHMARK(write_file)->Apply(sizes);
BENCHMARK(decode_layout)->Apply(sizes);
BENCHMARK(refuse_empty_objects)->Apply(sizes);

}  // namespace

BENCHMARK_MAIN();
