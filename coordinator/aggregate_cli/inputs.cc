#include "coordinator/aggregate_cli/inputs.h"

#include <algorithm>
#include <atomic>
#include <optional>
#include <tuple>

#include "coordinator/aggregate_cli/agreement.h"
#include "kernels/base/check.h"
#include "kernels/parallel.h"
#include "ledger/hash.h"

namespace gradmint {
namespace {

constexpr std::size_t kPieceBytes = std::size_t{4} << 20;

Hash hash_of(const TensorFile& file) {
  Sha256 hasher;
  for (ByteView left = file.mapping.bytes(); !left.empty();) {
    const ByteView piece = left.first(std::min(kPieceBytes, left.size()));
    hasher.update(piece);
    release_pages(piece);
    left = left.subspan(piece.size());
  }
  return hasher.finish();
}

Result<std::vector<TensorFile>> open_all(const std::vector<InputArgument>& arguments,
                                         Integers integers) {
  std::vector<TensorFile> files;
  for (const InputArgument& argument : arguments) {
    auto file = open_tensor_file(argument.path);
    if (!file.ok()) return file.error();
    files.push_back(*std::move(file));
    if (files.size() == 1) continue;
    if (const Status same = check_same_tensors(files.front(), files.back(), integers); !same.ok()) {
      return same.error();
    }
  }
  return files;
}

// A companion's integer tensors count where the files have some.
Status check_companions(const TensorFile& first, const std::vector<const TensorFile*>& companions,
                        Integers integers) {
  if (integer_tensors(first).empty()) integers = Integers::ignored;
  for (const TensorFile* companion : companions) {
    if (const Status same = check_same_tensors(first, *companion, integers); !same.ok()) {
      return same;
    }
  }
  return {};
}

struct Read {
  Hash sha256;
  std::optional<Result<FlatValues>> values;
};

std::vector<Read> read_all(const std::vector<TensorFile>& files, const ModelLayout& layout,
                           int threads, const std::filesystem::path& scratch,
                           const ProgressListener& listener) {
  const std::vector<FlatPlace> places = places_of(layout);
  std::vector<Read> all(files.size());
  std::atomic<std::size_t> finished{0};
  kernels::parallel_for(threads, files.size(), [&](std::size_t i, int worker) {
    all[i].sha256 = hash_of(files[i]);
    all[i].values = FlatValues::from(files[i], places, scratch, Halves::kept);
    const auto done = static_cast<double>(++finished);
    // The listener is the calling thread's.
    if (worker == 0) listener("reading", done / static_cast<double>(files.size()));
  });
  return all;
}

}  // namespace

Result<InputSet> load_inputs(const std::vector<InputArgument>& arguments,
                             const std::vector<const TensorFile*>& companions,
                             std::span<const std::string> buffers, IntegerRule rule, int threads,
                             const std::filesystem::path& scratch,
                             const ProgressListener& listener) {
  GRADMINT_CHECK(!arguments.empty());
  const Integers integers = rule == IntegerRule::drop ? Integers::ignored : Integers::alike;
  auto files = open_all(arguments, integers);
  if (!files.ok()) return files.error();
  std::vector<const TensorFile*> sharing;
  for (const TensorFile& file : *files) sharing.push_back(&file);
  sharing.insert(sharing.end(), companions.begin(), companions.end());
  auto layout = common_layout(sharing, buffers);
  if (!layout.ok()) return layout.error();
  if (const Status same = check_companions(files->front(), companions, integers); !same.ok()) {
    return same.error();
  }
  InputSet set{*std::move(layout), {}};
  std::vector<Read> read = read_all(*files, set.layout, threads, scratch, listener);
  for (std::size_t i = 0; i < read.size(); ++i) {
    if (!read[i].values->ok()) return read[i].values->error();
    set.files.push_back({std::move((*files)[i]), arguments[i].weight, arguments[i].staleness, i,
                         read[i].sha256, **std::move(read[i].values)});
  }
  const auto key = [](const InputFile& input) {
    return std::make_tuple(input.sha256, input.weight, input.staleness);
  };
  std::stable_sort(set.files.begin(), set.files.end(),
                   [&](const InputFile& a, const InputFile& b) { return key(a) < key(b); });
  return set;
}

}  // namespace gradmint
