#include "coordinator/aggregate_cli/streaming_backend.h"

#include <algorithm>
#include <bit>
#include <vector>

#include "coordinator/aggregate_cli/row_part.h"
#include "coordinator/aggregate_cli/tensor_file.h"
#include "kernels/blocks_rule.h"
#include "kernels/dots.h"

namespace gradmint {
namespace {

using kernels::Row;
using kernels::Rows;

// Coordinates a range: a power of two of blocks, so that its dot products are a full subtree.
std::size_t range_of(std::size_t rows, std::size_t range_bytes) {
  const std::size_t blocks = range_bytes / (rows * sizeof(float) * kernels::kBlockSize);
  return std::bit_floor(std::max<std::size_t>(blocks, 1)) * kernels::kBlockSize;
}

std::vector<Row> rows_in(Rows rows, std::size_t begin, std::size_t count) {
  std::vector<Row> part;
  part.reserve(rows.size());
  for (const Row& row : rows) {
    part.push_back(part_of(row, begin, count));
  }
  return part;
}

// The optimizer's state of a range: its moments lie one whole vector after the other, so they are
// gathered, and put back after the step.
struct StateRange {
  StateRange(const kernels::CombinePass& pass, std::size_t from, std::size_t length)
      : begin(from), count(length), whole(pass) {
    const std::size_t moments = pass.model.empty() ? 0 : pass.state.size() / pass.model.size();
    before.resize(moments * count);
    after.resize(moments * count);
    for (std::size_t k = 0; k < moments; ++k) {
      std::copy_n(pass.state.begin() + offset(k), count, before.begin() + within(k));
    }
  }
  void put_back() const {
    for (std::size_t k = 0; k * count < after.size(); ++k) {
      std::copy_n(after.begin() + within(k), count, whole.state_out.begin() + offset(k));
    }
  }
  std::ptrdiff_t offset(std::size_t k) const {
    return static_cast<std::ptrdiff_t>(k * whole.model.size() + begin);
  }
  std::ptrdiff_t within(std::size_t k) const { return static_cast<std::ptrdiff_t>(k * count); }

  std::size_t begin, count;
  const kernels::CombinePass& whole;
  std::vector<float> before, after;
};

}  // namespace

void StreamingBackend::for_mapped(Rows rows, void (*act)(ByteView)) const {
  for (const Row& row : rows) {
    const ByteView bytes = bytes_of(row);
    const std::uint8_t* const begin = bytes.data();
    const bool known = std::any_of(mapped_.begin(), mapped_.end(), [&](const ByteView& mapping) {
      return mapping.data() <= begin && begin + bytes.size() <= mapping.data() + mapping.size();
    });
    if (known) act(bytes);
  }
}

Result<kernels::CombineReport> StreamingBackend::combine(const kernels::CombinePass& pass) {
  const std::size_t size = pass.model.size();
  const std::size_t step = range_of(std::max<std::size_t>(pass.rows.size(), 1), range_bytes_);
  kernels::CombineReport report;
  std::vector<std::uint64_t> outside(pass.outside.size());
  for (std::size_t begin = 0; begin < size; begin += step) {
    const std::size_t count = std::min(step, size - begin);
    const std::vector<Row> rows = rows_in(pass.rows, begin, count);
    StateRange state(pass, begin, count);
    kernels::CombinePass part = pass;
    part.rows = rows;
    part.model = pass.model.subspan(begin, count);
    part.model_out = pass.model_out.subspan(begin, count);
    part.state = state.before;
    part.state_out = state.after;
    if (!pass.delta_out.empty()) part.delta_out = pass.delta_out.subspan(begin, count);
    std::fill(outside.begin(), outside.end(), 0);
    part.outside = outside;
    for_mapped(rows, open_window);
    const auto done = inner_->combine(part);
    for_mapped(rows, release_pages);
    if (!done.ok()) return done.error();
    state.put_back();
    for (std::size_t i = 0; i < outside.size(); ++i) pass.outside[i] += outside[i];
    report.largest_input = std::max(report.largest_input, done->largest_input);
    report.largest_output = std::max(report.largest_output, done->largest_output);
    listener_("combining", static_cast<double>(begin + count) / static_cast<double>(size));
  }
  return report;
}

Result<std::vector<double>> StreamingBackend::dots(Rows rows, bool diagonal_only) {
  const std::size_t n = rows.size();
  kernels::TreeSum sum(diagonal_only ? n : n * n);
  const std::size_t size = n == 0 ? 0 : rows[0].size();
  const std::size_t step = range_of(std::max<std::size_t>(n, 1), range_bytes_);
  const char* const doing = diagonal_only ? "measuring norms" : "measuring distances";
  for (std::size_t begin = 0; begin < size; begin += step) {
    const std::size_t count = std::min(step, size - begin);
    const std::vector<Row> part = rows_in(rows, begin, count);
    for_mapped(part, open_window);
    auto products = inner_->dots(part, diagonal_only);
    for_mapped(part, release_pages);
    if (!products.ok()) return products;
    sum.add(*std::move(products));
    listener_(doing, static_cast<double>(begin + count) / static_cast<double>(size));
  }
  return sum.total();
}

Result<double> StreamingBackend::difference(const Row& a, double factor_a, const Row& b,
                                            double factor_b) {
  const auto squared = inner_->difference(a, factor_a, b, factor_b);
  for_mapped(std::vector<Row>{a, b}, release_pages);
  return squared;
}

}  // namespace gradmint
