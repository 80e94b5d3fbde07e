#include "ledger/model/buffers.h"

#include <algorithm>
#include <cstdio>

#include "kernels/base/check.h"
#include "kernels/base/printable.h"

namespace gradmint {
namespace {

constexpr double kAlmostAll = 0.95;     // of the squared norm
constexpr double kFew = 0.01;           // of the parameters
constexpr std::size_t kMinTensors = 3;  // of fewer, one may well carry most

double squared(std::span<const float> values) {
  double sum = 0;
  for (const float x : values) sum += static_cast<double>(x) * static_cast<double>(x);
  return sum;
}

struct Share {
  const TensorSpec* tensor = nullptr;
  std::uint64_t count = 0;
  double square = 0;
};

}  // namespace

bool is_running_statistic(std::string_view name) {
  const std::string_view last = name.substr(name.rfind('.') + 1);  // npos + 1 is 0
  return last == "running_mean" || last == "running_var" || last == "num_batches_tracked";
}

bool matches_pattern(std::string_view pattern, std::string_view name) {
  // Where the last '*' stood, and what it has swallowed so far: on a mismatch it swallows one more.
  std::size_t p = 0, n = 0, star = std::string_view::npos, swallowed = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      swallowed = n;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == name[n])) {
      ++p;
      ++n;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      n = ++swallowed;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

Status mark_buffers(std::span<const std::string> patterns, std::vector<TensorSpec>& tensors) {
  for (const std::string& pattern : patterns) {
    bool is_used = false;
    for (TensorSpec& tensor : tensors) {
      if (!matches_pattern(pattern, tensor.name)) continue;
      tensor.is_buffer = true;
      is_used = true;
    }
    if (!is_used)
      return Error{ErrorCode::bad_input, "buffers: no floating tensor of the model is named '" +
                                             pattern + "' ('*' stands for any text)"};
  }
  return {};
}

std::string lopsided_norm(const ModelLayout& layout, std::span<const float> update) {
  GRADMINT_CHECK(update.size() == layout.value_count());
  std::vector<Share> shares;
  double total = 0;
  std::uint64_t at = 0;
  for (const TensorSpec& tensor : layout.tensors()) {
    const std::uint64_t count = tensor.element_count();
    if (!tensor.is_buffer && count > 0) {
      shares.push_back({&tensor, count, squared(update.subspan(at, count))});
      total += shares.back().square;
    }
    at += count;
  }
  if (shares.size() < kMinTensors || total == 0) return {};
  std::sort(shares.begin(), shares.end(),
            [](const Share& a, const Share& b) { return a.square > b.square; });
  // The fewest tensors that carry almost all.
  double carried = 0;
  std::uint64_t values = 0;
  std::size_t used = 0;
  while (carried < kAlmostAll * total) {
    carried += shares[used].square;
    values += shares[used++].count;
  }
  const auto parameters = static_cast<double>(layout.size().parameters);
  if (static_cast<double>(values) > kFew * parameters) return {};
  char share[64];
  std::snprintf(share, sizeof share, "%.1f %% of this update's squared norm",
                100 * carried / total);
  return std::string(share) + " lies in " + std::to_string(values) + " of " +
         std::to_string(layout.size().parameters) + " parameters (" +
         printable(shares[0].tensor->name) + (used > 1 ? ", ..." : "") +
         "): if they are statistics that training gathers and not weights, they must be named as "
         "buffers (task.buffers, or --buffers), else they decide every distance and score";
}

}  // namespace gradmint
