#include "ledger/durable_env.h"

#include <filesystem>
#include <string>
#include <utility>

#include "ledger/durable_file.h"

namespace gradmint {

namespace {

class DurableEnv : public leveldb::EnvWrapper {
 public:
  // `own`: the disk's, or null for this machine's.
  DurableEnv(Disk& disk, std::unique_ptr<leveldb::Env> own)
      : EnvWrapper(own ? own.get() : leveldb::Env::Default()), disk_(disk), own_(std::move(own)) {}

  leveldb::Status NewWritableFile(const std::string& name,
                                  leveldb::WritableFile** result) override {
    const leveldb::Status made = target()->NewWritableFile(name, result);
    if (!made.ok() || !(name.ends_with(".log") || name.ends_with(".ldb"))) return made;
    const Status synced = sync_directory(disk_, std::filesystem::path(name).parent_path());
    if (synced.ok()) return made;
    delete *result;
    *result = nullptr;
    return leveldb::Status::IOError(name, synced.error().message);
  }

 private:
  Disk& disk_;
  std::unique_ptr<leveldb::Env> own_;
};

}  // namespace

std::unique_ptr<leveldb::Env> make_durable_env(Disk& disk) {
  return std::make_unique<DurableEnv>(disk, std::unique_ptr<leveldb::Env>(disk.new_database_env()));
}

}  // namespace gradmint
