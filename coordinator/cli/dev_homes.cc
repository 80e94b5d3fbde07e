#include "coordinator/cli/dev_homes.h"

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <nlohmann/json.hpp>

#include "coordinator/protocol/curve.h"
#include "ledger/durable_file.h"
#include "ledger/json_text.h"
#include "ledger/keystore.h"

namespace gradmint {
namespace {

namespace fs = std::filesystem;

constexpr unsigned kPrivate = 0600;
// These keys follow from the seed, so a costly passphrase would protect nothing.
constexpr KeystoreCost kDevCost{12};
constexpr const char* kDevPassphrase = "gradmint dev";

Result<fs::path> fresh_directory() {
  std::error_code failed;
  const fs::path base = fs::temp_directory_path(failed);
  if (failed)
    return Error{ErrorCode::io, "no directory for temporary files: " + failed.message() +
                                    "; set TMPDIR or give --home"};
  std::string pattern = (base / "gradmint-dev-XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) return file_error("make a directory", pattern, errno);
  return fs::path(pattern);
}

SecretKey dev_key(std::uint64_t seed, const std::string& purpose) {
  for (std::uint32_t attempt = 0;; ++attempt)
    if (const auto key = SecretKey::from_bytes(dev_secret(seed, purpose, attempt))) return *key;
}

// The first failure of several steps.
class Steps {
 public:
  void take(const Status& step) {
    if (status_.ok()) status_ = step;
  }
  const Status& status() const { return status_; }

 private:
  Status status_;
};

void write_text(Steps& steps, const fs::path& file, const std::string& text, unsigned mode) {
  if (steps.status().ok()) steps.take(create_file(file, as_bytes(text), mode));
}

void write_curve(Steps& steps, const fs::path& file, std::uint64_t seed,
                 const std::string& purpose) {
  const auto pair = curve_key_pair_of(dev_secret(seed, purpose));
  GRADMINT_CHECK(pair.has_value());
  const nlohmann::json object = {{"public", to_hex(pair->public_key)},
                                 {"secret", to_hex(pair->secret_key)}};
  write_text(steps, file, json_text(object) + "\n", kPrivate);
}

}  // namespace

Result<DevHome> DevHome::claim(const fs::path& wanted) {
  fs::path path;
  if (wanted.empty()) {
    const auto fresh = fresh_directory();
    if (!fresh) return fresh.error();
    path = *fresh;
  } else {
    std::error_code failed;
    path = fs::absolute(wanted, failed).lexically_normal();
    if (!path.has_filename()) path = path.parent_path();
    fs::create_directories(path, failed);
    if (failed)
      return Error{ErrorCode::io, "--home " + wanted.string() + ": " + failed.message() +
                                      "; name a directory that can be made"};
  }
  auto lock = DirectoryLock::take(path, "--home " + path.string() +
                                            ": another gradmint dev runs in it; name another "
                                            "directory");
  if (!lock) return lock.error();
  if (!fs::is_empty(path)) {
    return Error{ErrorCode::bad_input,
                 "--home " + path.string() +
                     ": is not empty; name a new directory, nothing in it was changed"};
  }
  return DevHome(path, *std::move(lock));
}

Result<std::vector<std::string>> furnish_homes(const DevPlan& plan) {
  const std::uint64_t seed = plan.options.seed;
  Steps steps;
  const auto make = [&](const fs::path& directory) {
    std::error_code failed;
    fs::create_directories(directory, failed);
    if (failed) steps.take(Error{ErrorCode::io, directory.string() + ": " + failed.message()});
  };
  make(plan.log_dir);
  write_text(steps, plan.passphrase_file, std::string(kDevPassphrase) + "\n", kPrivate);
  write_text(steps, plan.config_file, coordinator_config(plan), 0644);

  const fs::path coordinator_keys = fs::path(plan.coordinator_home) / "keys";
  make(coordinator_keys);
  if (steps.status().ok())
    steps.take(write_keystore(coordinator_keys / "validator.json", dev_key(seed, "validator"),
                              kDevPassphrase, kDevCost));
  write_text(steps, coordinator_keys / "seed_chain", to_hex(dev_secret(seed, "seed-chain")) + "\n",
             kPrivate);
  write_curve(steps, coordinator_keys / "curve.json", seed, "coordinator/curve");

  std::vector<std::string> addresses;
  for (const DevWorker& worker : plan.workers) {
    const fs::path keys = fs::path(worker.home) / "keys";
    make(keys);
    const SecretKey key = dev_key(seed, worker.name);
    addresses.push_back(address_of(key.account()));
    if (steps.status().ok())
      steps.take(write_keystore(keys / "worker.json", key, kDevPassphrase, kDevCost));
    write_text(steps, keys / "secret", to_hex(dev_secret(seed, worker.name + "/salts")) + "\n",
               kPrivate);
    write_curve(steps, keys / "curve.json", seed, worker.name + "/curve");
  }
  if (!steps.status().ok()) return steps.status().error();
  return addresses;
}

}  // namespace gradmint
