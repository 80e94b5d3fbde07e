#include "ledger/durable_env.h"

#include <filesystem>
#include <string>

#include "ledger/durable_file.h"

namespace gradmint {

namespace {

class DurableEnv : public leveldb::EnvWrapper {
 public:
  DurableEnv() : EnvWrapper(leveldb::Env::Default()) {}

  leveldb::Status NewWritableFile(const std::string& name,
                                  leveldb::WritableFile** result) override {
    const leveldb::Status made = target()->NewWritableFile(name, result);
    if (!made.ok() || !name.ends_with(".log")) return made;
    const Status synced = sync_directory(std::filesystem::path(name).parent_path());
    if (synced.ok()) return made;
    delete *result;
    *result = nullptr;
    return leveldb::Status::IOError(name, synced.error().message);
  }
};

}  // namespace

std::unique_ptr<leveldb::Env> make_durable_env() { return std::make_unique<DurableEnv>(); }

}  // namespace gradmint
