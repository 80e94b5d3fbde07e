#include "kernels/row_tile.h"

namespace gradmint::kernels {

EncodedRow encoded_row(const Row& row) {
  return {row.encoding().kind, row.encoding().keep, row.bytes(), row.size()};
}

const float* tile(const CpuKernels& kernels, const Row& row, std::size_t begin, std::size_t count,
                  float* scratch) {
  if (row.is_plain()) return row.values() + begin;
  kernels.decoders->decode(encoded_row(row), begin, count, scratch);
  return scratch;
}

}  // namespace gradmint::kernels
