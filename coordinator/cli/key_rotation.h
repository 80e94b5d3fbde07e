// gradmint keys rotate: other keys for a worker's account, whose address, tokens and score stay.
#pragma once

#include <filesystem>
#include <string>

#include "kernels/base/result.h"

namespace gradmint {

struct RotationOptions {
  std::filesystem::path home, passphrase_file;
  bool lost = false;  // the present key cannot sign: only make new ones and show them
  std::string format = "table";
};

// The new keys lie beside the present ones until the ledger has them, so that it may be cut off
// anywhere and be run again. busy: a worker runs in the home. refused: by the ledger.
Status rotate_keys(const RotationOptions& options);

}  // namespace gradmint
