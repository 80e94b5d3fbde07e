#include "kernels/encode_cpu.h"

#include <algorithm>
#include <vector>

#include "kernels/encode_fault.h"
#include "kernels/encode_rule.h"
#include "kernels/parallel.h"

namespace gradmint::kernels {
namespace {

// What one thread takes at a time: whole blocks of every encoding.
constexpr std::size_t kTask = std::size_t{1} << 16;
static_assert(kTask % kTopKBlock == 0 && kTask % kIntegerBlock == 0);

// The part of the pass that begins at a block.
EncodeTile tile_of(const EncodePass& pass, std::size_t begin) {
  EncodeTile tile;
  auto* const bytes = reinterpret_cast<std::byte*>(pass.bytes.data());
  tile.kind = pass.encoding.kind;
  tile.keep = pass.encoding.keep;
  tile.values = pass.values.data() + begin;
  tile.carried = pass.carried.empty() ? nullptr : pass.carried.data() + begin;
  tile.count = std::min(kTask, pass.values.size() - begin);
  tile.residual = pass.residual.empty() ? nullptr : pass.residual.data() + begin;
  tile.exponents = bytes + begin / kIntegerBlock;
  tile.bytes = bytes + value_offset(pass.encoding, pass.values.size(), begin);
  return tile;
}

}  // namespace

Status encode_on_cpu(const EncodePass& pass, const CpuKernels& kernels, int threads) {
  const std::int32_t limit = unencodable_magnitude(pass.encoding.kind);
  const std::size_t tasks = (pass.values.size() + kTask - 1) / kTask;
  std::vector<std::int32_t> largest(static_cast<std::size_t>(threads),
                                    0);  // of each worker's tiles
  parallel_for(threads, tasks, [&](std::size_t task, int worker) {
    std::int32_t& own = largest[static_cast<std::size_t>(worker)];
    if (own < limit) own = kernels.encoders->encode(tile_of(pass, task * kTask));
  });
  const bool refused =
      std::any_of(largest.begin(), largest.end(), [&](std::int32_t each) { return each >= limit; });
  if (refused) return encode_fault(pass);
  pad_exponents(pass);
  return {};
}

}  // namespace gradmint::kernels
