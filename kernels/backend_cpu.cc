// The CPU backend: the combining pass is in combine_cpu.cc, encoding in encode_cpu.cc; here are dot
// products, in blocks over threads. What is summed over blocks is fp64 in the fixed tree, by index.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "kernels/backend.h"
#include "kernels/base/check.h"
#include "kernels/combine_cpu.h"
#include "kernels/cpu_kernels.h"
#include "kernels/dots.h"
#include "kernels/encode_cpu.h"
#include "kernels/floats.h"
#include "kernels/parallel.h"
#include "kernels/row_tile.h"

namespace gradmint::kernels {
namespace {

constexpr std::size_t kTotalsBytes = std::size_t{1} << 28;
constexpr std::size_t kBlocksPerChunk = 64;  // a power of two, so a chunk is a subtree of the sum

std::size_t blocks_of(std::size_t count, std::size_t block) { return (count + block - 1) / block; }

class CpuBackend final : public Backend {
 public:
  CpuBackend(CpuLevel level, int threads)
      : level_(level), threads_(threads), kernels_(cpu_kernels(level)) {}

  std::string name() const override {
    return "cpu (" + std::string(name_of(level_)) + ", " + std::to_string(threads_) +
           (threads_ == 1 ? " thread)" : " threads)");
  }

  Result<CombineReport> combine(const CombinePass& pass) override {
    return combine_on_cpu(pass, kernels_, threads_);
  }
  Result<std::vector<double>> dots(Rows rows, bool diagonal_only) override;
  Result<double> difference(const Row& a, double factor_a, const Row& b, double factor_b) override;
  Status encode(const EncodePass& pass) override { return encode_on_cpu(pass, kernels_, threads_); }

 private:
  bool dots_chunk(Rows rows, bool diagonal_only, std::size_t chunk,
                  std::vector<double>& total) const;

  CpuLevel level_;
  int threads_;
  const CpuKernels& kernels_;
};

// The subtree of one chunk. False where a value is not finite.
bool CpuBackend::dots_chunk(Rows rows, bool diagonal_only, std::size_t chunk,
                            std::vector<double>& total) const {
  const std::size_t n = rows.size();
  const std::size_t size = rows[0].size();
  const std::size_t end = std::min(size, (chunk + 1) * kBlocksPerChunk * kBlockSize);
  // At cache lines: a register that lies across two costs as much as two.
  std::vector<std::int16_t, UntouchedAllocator<std::int16_t>> integers(n * kBlockSize);
  Floats decoded(kBlockSize);
  std::vector<std::int64_t> exact(diagonal_only ? n : n * n);
  std::vector<int> shifts(n);
  TreeSum sum(diagonal_only ? n : n * n);
  for (std::size_t begin = chunk * kBlocksPerChunk * kBlockSize; begin < end; begin += kBlockSize) {
    const std::size_t count = std::min<std::size_t>(kBlockSize, end - begin);
    const std::size_t padded = (count + 127) / 128 * 128;
    std::vector<double> values(diagonal_only ? n : n * n);
    for (std::size_t i = 0; i < n; ++i) {
      std::int16_t* own = integers.data() + i * kBlockSize;
      const float* values_of = tile(kernels_, rows[i], begin, count, decoded.data());
      const std::size_t next = i + 1 < n ? begin : begin + count;
      const Row& after = rows[(i + 1) % n];
      const auto ahead = reinterpret_cast<std::uintptr_t>(after.bytes()) +
                         value_offset(after.encoding(), after.size(), next);
      if (kernels_.quantise(values_of, count, ahead, own, &shifts[i]) >= kInfinityMagnitude) {
        return false;
      }
      if (diagonal_only) kernels_.dot(own, 1, padded, &exact[i]);
    }
    if (!diagonal_only) kernels_.dot(integers.data(), n, padded, exact.data());
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = diagonal_only ? i : 0; j <= i; ++j) {
        const double value = static_cast<double>(exact[diagonal_only ? i : i * n + j]) *
                             power_of_two(-shifts[i] - shifts[j]);
        values[diagonal_only ? i : i * n + j] = value;
        if (!diagonal_only) values[j * n + i] = value;
      }
    }
    sum.add(std::move(values));
  }
  total = sum.total();
  return true;
}

Result<std::vector<double>> CpuBackend::dots(Rows rows, bool diagonal_only) {
  const std::size_t n = rows.size();
  TreeSum sum(diagonal_only ? n : n * n);
  if (n == 0) return sum.total();
  const std::size_t chunks = blocks_of(rows[0].size(), kBlocksPerChunk * kBlockSize);
  // A few chunks for each thread at a time, fewer where their totals, n * n numbers each, are
  // large.
  const std::size_t most = std::clamp<std::size_t>(kTotalsBytes / (n * n * sizeof(double)), 1,
                                                   8 * static_cast<std::size_t>(threads_));
  const ExactFloats exact;
  for (std::size_t first = 0; first < chunks; first += most) {
    const std::size_t count = std::min(most, chunks - first);
    std::vector<std::vector<double>> totals(count);
    std::vector<char> finite(count, 1);
    parallel_for(threads_, count, [&](std::size_t k, int) {
      finite[k] = dots_chunk(rows, diagonal_only, first + k, totals[k]) ? 1 : 0;
    });
    for (std::size_t k = 0; k < count; ++k) {
      if (finite[k] == 0) {
        return Error{ErrorCode::bad_input,
                     "an update holds a value that is not finite: refuse it before taking norms"};
      }
      sum.add(std::move(totals[k]));
    }
  }
  return sum.total();
}

Result<double> CpuBackend::difference(const Row& a, double factor_a, const Row& b,
                                      double factor_b) {
  const std::size_t blocks = blocks_of(a.size(), kBlockSize);
  std::vector<double> squares(blocks);
  parallel_for(threads_, blocks, [&](std::size_t block, int) {
    const std::size_t begin = block * kBlockSize;
    const std::size_t count = std::min<std::size_t>(kBlockSize, a.size() - begin);
    int shift = 0;
    float decoded_a[kBlockSize];
    float decoded_b[kBlockSize];
    const std::int64_t square = kernels_.square_difference(
        tile(kernels_, a, begin, count, decoded_a), factor_a,
        tile(kernels_, b, begin, count, decoded_b), factor_b, count, &shift);
    squares[block] = static_cast<double>(square) * power_of_two(-2 * shift);
  });
  const ExactFloats exact;
  TreeSum sum(1);
  for (const double square : squares) sum.add({square});
  return sum.total()[0];
}

}  // namespace

std::unique_ptr<Backend> make_cpu_backend(CpuLevel level, int threads) {
  GRADMINT_CHECK(threads >= 1);
  return std::make_unique<CpuBackend>(level, threads);
}

}  // namespace gradmint::kernels
