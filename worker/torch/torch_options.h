// What a user chooses of libtorch, and which libtorch this is. Reaches no torch header.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "ledger/bytes.h"

namespace gradmint {

struct ModelOptions {
  std::string model = "mlp";               // "mlp", "cnn", or a TorchScript file
  std::uint32_t hidden = 256;              // mlp: width of the hidden layer
  std::optional<Hash> expected_file_hash;  // SHA-256 the TorchScript file must have
};

struct DeviceOptions {
  std::string device = "cpu";  // "auto", "cpu", "cuda:N"
  std::uint32_t threads = 1;   // libtorch's CPU threads, for the whole process
};

std::string torch_version();  // for --version

}  // namespace gradmint
