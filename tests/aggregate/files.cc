#include "tests/aggregate/files.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "kernels/fixed_point.h"
#include "ledger/model/safetensors.h"

namespace gradmint::test {
namespace {

template <class T>
Bytes bytes_of(const std::vector<T>& values) {
  Bytes bytes(values.size() * sizeof(T));
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

ByteView view_of(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

}  // namespace

Tensor floats(const std::string& name, std::vector<std::uint64_t> shape,
              const std::vector<float>& values) {
  return {name, "F32", std::move(shape), bytes_of(values)};
}

Tensor narrow(const std::string& dtype, const std::string& name, std::vector<std::uint64_t> shape,
              const std::vector<float>& values) {
  std::vector<std::uint16_t> stored;
  for (const float x : values) {
    const auto bits = std::bit_cast<std::uint32_t>(x);
    const std::uint32_t sign = bits >> 16 & 0x8000u;
    const std::uint32_t half =
        x == 0 ? sign : sign | (((bits >> 23 & 0xffu) - 112) << 10) | (bits >> 13 & 0x3ffu);
    stored.push_back(static_cast<std::uint16_t>(dtype == "BF16" ? bits >> 16 : half));
  }
  return {name, dtype, std::move(shape), bytes_of(stored)};
}

Tensor integer(const std::string& name, std::int64_t value) {
  return {name, "I64", {}, bytes_of(std::vector<std::int64_t>{value})};
}

void write_tensors_to(const std::filesystem::path& file, const std::vector<Tensor>& tensors,
                      const std::map<std::string, std::string>& metadata) {
  std::vector<SafetensorsTensor> header;
  std::string data;
  for (const Tensor& tensor : tensors) {
    header.push_back(
        {tensor.name, tensor.dtype, tensor.shape, data.size(), data.size() + tensor.bytes.size()});
    data.append(tensor.bytes.begin(), tensor.bytes.end());
  }
  const Bytes prefix = safetensors_prefix(header, metadata);
  write_text(file, std::string(prefix.begin(), prefix.end()) + data);
}

std::vector<float> values_of(std::size_t count, std::uint32_t seed) {
  std::vector<float> values;
  std::uint32_t state = seed * 2654435761u + 1;
  for (std::size_t i = 0; i < count; ++i) {
    state = state * 1664525u + 1013904223u;
    const int whole = static_cast<int>(state >> 25) + 128;  // eight significant bits
    values.push_back(std::ldexp(static_cast<float>(state & 1u ? whole : -whole),
                                -8 - static_cast<int>(state >> 20 & 3u)));
  }
  return values;
}

std::vector<float> read_floats(const std::filesystem::path& file, const std::string& tensor) {
  const std::string text = read_text(file);
  const auto header = parse_safetensors(view_of(text));
  REQUIRE(header.ok());
  for (const SafetensorsTensor& each : header->tensors) {
    if (each.name != tensor) continue;
    REQUIRE(each.dtype == "F32");
    std::vector<float> values((each.end - each.begin) / sizeof(float));
    std::memcpy(values.data(), text.data() + header->data_offset + each.begin,
                each.end - each.begin);
    return values;
  }
  FAIL("no tensor " << tensor);
  return {};
}

std::map<std::string, std::string> read_metadata(const std::filesystem::path& file) {
  const std::string text = read_text(file);
  const auto header = parse_safetensors(view_of(text));
  REQUIRE(header.ok());
  return header->metadata;
}

Ran aggregate(const Words& words, const Setting& setting) {
  Words all = {program("gradmint-aggregate")};
  all.insert(all.end(), words.begin(), words.end());
  return run(all, setting);
}

kernels::AggregateOutput expected_of(const kernels::AggregateSpec& spec,
                                     const std::vector<std::vector<float>>& updates,
                                     const std::vector<std::uint32_t>& weights) {
  kernels::AggregateInput input;
  std::vector<int> exponents;
  for (const auto& update : updates) {
    input.updates.emplace_back(std::span<const float>(update));
    exponents.push_back(kernels::exponent_of_largest(update));
  }
  input.weights = weights;
  input.round_exponent = kernels::choose_round_exponent(exponents);
  input.shift = kernels::choose_shift(input.round_exponent, *std::ranges::max_element(weights));
  const std::vector<float> model(updates.front().size());
  const std::vector<float> state(model.size() *
                                 kernels::optimizer_state_per_value(spec.optimizer.name));
  input.model = model;
  input.optimizer_state = state;
  input.want_outside = true;
  const auto backend = kernels::make_cpu_backend(kernels::CpuLevel::scalar, 1);
  const auto output = kernels::aggregate(spec, input, *backend);
  REQUIRE(output.ok());
  return *output;
}

}  // namespace gradmint::test
