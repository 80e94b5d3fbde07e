// Safetensors files for the tests of gradmint-aggregate.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "kernels/aggregate.h"
#include "ledger/bytes.h"
#include "tests/process/process.h"

namespace gradmint::test {

struct Tensor {
  std::string name, dtype;
  std::vector<std::uint64_t> shape;
  Bytes bytes;
};

Tensor floats(const std::string& name, std::vector<std::uint64_t> shape,
              const std::vector<float>& values);
// The same values as BF16 or F16; they must be exact in it.
Tensor narrow(const std::string& dtype, const std::string& name, std::vector<std::uint64_t> shape,
              const std::vector<float>& values);
Tensor integer(const std::string& name, std::int64_t value);

// The tensors' data in the order given.
void write_tensors_to(const std::filesystem::path& file, const std::vector<Tensor>& tensors,
                      const std::map<std::string, std::string>& metadata = {});

// Values that are the same on every machine, all different and exact in bf16 and fp16.
std::vector<float> values_of(std::size_t count, std::uint32_t seed);

// The fp32 values of a tensor of a file (REQUIREd to be there).
std::vector<float> read_floats(const std::filesystem::path& file, const std::string& tensor);
std::map<std::string, std::string> read_metadata(const std::filesystem::path& file);

// Runs gradmint-aggregate.
Ran aggregate(const Words& words, const Setting& setting = {});

// What kernels::aggregate makes of flat updates in this order, with zeros for model and state.
kernels::AggregateOutput expected_of(const kernels::AggregateSpec& spec,
                                     const std::vector<std::vector<float>>& updates,
                                     const std::vector<std::uint32_t>& weights);

}  // namespace gradmint::test
