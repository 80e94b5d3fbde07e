// Where known answers, data and inputs that once failed lie: GRADMINT_VECTORS, GRADMINT_DATA and
// GRADMINT_CASES, with defaults beside the checkout.
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
inline std::filesystem::path cases_dir() { return shared_dir("GRADMINT_CASES", "cases"); }

}  // namespace gradmint::test
