#include "coordinator/aggregate_cli/tensor_output.h"

#include <algorithm>

#include "ledger/hash.h"
#include "ledger/model/safetensors.h"

namespace gradmint {
namespace {
constexpr std::size_t kPieceBytes = std::size_t{4} << 20;
}

Result<PendingFile> write_tensors(const std::filesystem::path& file,
                                  std::vector<OutputTensor> tensors,
                                  const std::map<std::string, std::string>& metadata) {
  std::stable_sort(tensors.begin(), tensors.end(),
                   [](const OutputTensor& a, const OutputTensor& b) {
                     return dtype_size_bytes(a.dtype) > dtype_size_bytes(b.dtype);
                   });
  std::vector<SafetensorsTensor> header;
  std::uint64_t at = 0;
  for (const OutputTensor& tensor : tensors) {
    header.push_back({tensor.name, tensor.dtype, tensor.shape, at, at + tensor.bytes.size()});
    at += tensor.bytes.size();
  }
  auto output = FileReplacement::begin(file);
  if (!output.ok()) return output.error();
  Sha256 hasher;
  WrittenFile written;
  const auto write = [&](ByteView bytes) -> Status {
    for (; !bytes.empty(); bytes = bytes.subspan(std::min(kPieceBytes, bytes.size()))) {
      const ByteView piece = bytes.first(std::min(kPieceBytes, bytes.size()));
      hasher.update(piece);
      written.size_bytes += piece.size();
      if (const Status done = output->write(piece); !done.ok()) return done;
    }
    return {};
  };
  if (const Status done = write(safetensors_prefix(header, metadata)); !done.ok()) {
    return done.error();
  }
  for (const OutputTensor& tensor : tensors) {
    if (const Status done = write(tensor.bytes); !done.ok()) return done.error();
  }
  written.sha256 = hasher.finish();
  return PendingFile{written, *std::move(output)};
}

}  // namespace gradmint
