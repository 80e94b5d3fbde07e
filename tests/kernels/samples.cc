#include "tests/kernels/samples.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "kernels/fixed_point.h"
#include "tests/kernels/backends.h"

namespace gradmint::test {

std::uint64_t Sequence::next() {
  state_ += 0x9e3779b97f4a7c15ULL;
  std::uint64_t z = state_;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

float any_float(Sequence& sequence, unsigned low, unsigned high) {
  const auto exponent = static_cast<std::uint32_t>(low + sequence.below(high - low + 1));
  const auto rest = static_cast<std::uint32_t>(sequence.next()) & 0x807fffffu;
  return std::bit_cast<float>(rest | exponent << 23) + 0.0f;
}

std::string name_of(Kind kind) {
  switch (kind) {
    case Kind::ordinary:
      return "ordinary";
    case Kind::wide:
      return "wide";
    case Kind::ties:
      return "ties";
    case Kind::equal:
      return "equal";
    case Kind::denormal:
      return "denormal";
    case Kind::minus_zero:
      return "minus_zero";
    case Kind::largest:
      break;
  }
  return "largest";
}

namespace {
float sample_value(Kind kind, Sequence& sequence) {
  const float biggest = std::numeric_limits<float>::max();
  switch (kind) {
    case Kind::ordinary:
      return any_float(sequence, 115, 126);
    case Kind::wide:
      return any_float(sequence, 60, 130);
    case Kind::ties:
      return static_cast<float>(static_cast<int>(sequence.below(5)) - 2);
    case Kind::equal:
      return 0.37f;
    case Kind::denormal:
      return any_float(sequence, 0, 1);
    case Kind::minus_zero:
      return sequence.below(2) == 0 ? -0.0f : 0.0f;
    case Kind::largest:
      break;
  }
  const std::uint64_t pick = sequence.below(3);
  return pick == 0 ? biggest : pick == 1 ? -biggest : any_float(sequence, 250, 254);
}
}  // namespace

Updates sample_updates(Kind kind, std::size_t n, std::size_t size, std::uint64_t seed) {
  Sequence sequence(seed);
  Updates updates(n, std::vector<float>(size));
  for (auto& update : updates) {
    for (float& x : update) x = sample_value(kind, sequence);
  }
  return updates;
}

void prepare(Sample& sample, const kernels::AggregateSpec& spec, std::uint64_t seed) {
  Sequence sequence(seed);
  const std::size_t size = sample.updates[0].size();
  sample.model.resize(size);
  for (float& x : sample.model) x = any_float(sequence, 110, 127);
  sample.state.resize(size * kernels::optimizer_state_per_value(spec.optimizer.name));
  for (float& x : sample.state) x = any_float(sequence, 110, 127);
  for (std::size_t c = size; c < sample.state.size(); ++c) {
    sample.state[c] = std::fabs(sample.state[c]);  // second moments
  }
  sample.input = {};
  int round_exponent = kernels::kMinExponent;
  std::uint32_t largest_weight = 1;
  for (const auto& update : sample.updates) {
    sample.input.updates.emplace_back(update);
    sample.input.weights.push_back(1 + static_cast<std::uint32_t>(sequence.below(1000)));
    largest_weight = std::max(largest_weight, sample.input.weights.back());
    round_exponent = std::max(round_exponent, kernels::exponent_of_largest(update));
  }
  sample.input.round_exponent = round_exponent;
  sample.input.shift = kernels::choose_shift(round_exponent, largest_weight);
  sample.input.model = sample.model;
  sample.input.optimizer_state = sample.state;
  sample.input.want_delta = true;
  sample.input.want_outside = true;
}

bool same_bytes(std::span<const float> a, std::span<const float> b) {
  return a.size() == b.size() &&
         (a.empty() || std::memcmp(a.data(), b.data(), a.size_bytes()) == 0);
}
bool same_bytes(std::span<const double> a, std::span<const double> b) {
  return a.size() == b.size() &&
         (a.empty() || std::memcmp(a.data(), b.data(), a.size_bytes()) == 0);
}

std::uint64_t fingerprint(std::span<const float> values, std::uint64_t from) {
  std::uint64_t hash = from;
  for (const float value : values) {
    const auto bits = std::bit_cast<std::uint32_t>(value);
    for (int byte = 0; byte < 4; ++byte) {
      hash = (hash ^ ((bits >> (8 * byte)) & 0xff)) * 0x100000001b3ULL;
    }
  }
  return hash;
}

}  // namespace gradmint::test
