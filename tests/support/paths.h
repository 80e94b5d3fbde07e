// Where known answers and data lie: GRADMINT_VECTORS and GRADMINT_DATA, with defaults beside the
// checkout.
#pragma once

#include <cstdlib>
#include <filesystem>

#include "gradmint_test_paths.h"

namespace gradmint::test {

inline std::filesystem::path shared_dir(const char* variable, const char* folder) {
  if (const char* given = std::getenv(variable); given != nullptr && *given != '\0') return given;
  return std::filesystem::path(GRADMINT_SOURCE_DIR) / ".." / "shared" / folder;
}
inline std::filesystem::path vectors_dir() { return shared_dir("GRADMINT_VECTORS", "vectors"); }
inline std::filesystem::path data_dir() { return shared_dir("GRADMINT_DATA", "data"); }

}  // namespace gradmint::test
