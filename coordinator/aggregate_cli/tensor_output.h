// A safetensors file from fp32 values and copied integer tensors, written piece by piece beside its
// place and renamed into it; its SHA-256 is taken on the way.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "kernels/base/result.h"
#include "ledger/bytes.h"
#include "ledger/durable_file.h"

namespace gradmint {

struct OutputTensor {
  std::string name;
  std::string dtype;
  std::vector<std::uint64_t> shape;
  ByteView bytes;
};

struct WrittenFile {
  Hash sha256;
  std::uint64_t size_bytes = 0;
};

// All written, not yet in its place: that is commit()'s. Without it nothing is left behind.
struct PendingFile {
  WrittenFile written;
  FileReplacement replacement;
};

// The data follow the order given, but tensors of wider elements come first, so that every tensor
// is aligned.
Result<PendingFile> write_tensors(const std::filesystem::path& file,
                                  std::vector<OutputTensor> tensors,
                                  const std::map<std::string, std::string>& metadata);

}  // namespace gradmint
