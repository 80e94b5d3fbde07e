#include "coordinator/aggregate_cli/version.h"

#include <openssl/crypto.h>

#include <CLI/Version.hpp>
#include <nlohmann/json.hpp>

#include "gradmint_revision.h"
#include "kernels/backend.h"
#include "kernels/cpu_level.h"

namespace gradmint {

std::string aggregate_version_text() {
  std::string text = "gradmint-aggregate " GRADMINT_VERSION " (revision " GRADMINT_REVISION ")\n";
  text += "backends: " + kernels::describe_cpu_levels();
  if (kernels::has_cuda_backend()) {
    const auto gpu = kernels::open_backend("cuda:0", 1);
    text += gpu.ok() ? ", " + (*gpu)->name() : ", cuda (" + gpu.error().message + ")";
  }
  text += std::string("\nlibraries: ") + OpenSSL_version(OPENSSL_VERSION) +
          ", CLI11 " CLI11_VERSION ", nlohmann-json " +
          std::to_string(NLOHMANN_JSON_VERSION_MAJOR) + "." +
          std::to_string(NLOHMANN_JSON_VERSION_MINOR) + "." +
          std::to_string(NLOHMANN_JSON_VERSION_PATCH);
  return text;
}

}  // namespace gradmint
