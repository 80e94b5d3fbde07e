#include "coordinator/cli/version.h"

#include <leveldb/db.h>
#include <openssl/crypto.h>
#include <zmq.h>

#include <CLI/Version.hpp>
#include <nlohmann/json.hpp>

#include "contracts/rule.h"
#include "gradmint_revision.h"
#include "kernels/cpu_level.h"

namespace gradmint {

std::string version_text() {
  int major = 0, minor = 0, patch = 0;
  zmq_version(&major, &minor, &patch);
  const auto dotted = [](int a, int b, int c) {
    return std::to_string(a) + "." + std::to_string(b) + "." + std::to_string(c);
  };
  std::string text = "gradmint " GRADMINT_VERSION " (revision " GRADMINT_REVISION ")\n";
  text += "backends: " + kernels::describe_cpu_levels();
#ifdef GRADMINT_WITH_CUDA
  text += ", cuda";
#endif
  text += "\n";
  text += "libraries: ";
  text += OpenSSL_version(OPENSSL_VERSION);
  text += ", libzmq " + dotted(major, minor, patch);
  text += ", LevelDB " + std::to_string(leveldb::kMajorVersion) + "." +
          std::to_string(leveldb::kMinorVersion);
  text += ", rules " + contracts::rule_abi();
  text +=
      ", CLI11 " CLI11_VERSION ", nlohmann-json " +
      dotted(NLOHMANN_JSON_VERSION_MAJOR, NLOHMANN_JSON_VERSION_MINOR, NLOHMANN_JSON_VERSION_PATCH);
  return text;
}

}  // namespace gradmint
