// LevelDB's view of a simulated disk. Background work waits for the disk
// (SimulatedDisk::run_background).
#pragma once

#include <leveldb/env.h>

#include <set>

#include "tests/simulation/simulated_disk.h"

namespace gradmint::simulation {

class SimulatedEnv final : public leveldb::EnvWrapper {
 public:
  explicit SimulatedEnv(SimulatedDisk& disk) : EnvWrapper(leveldb::Env::Default()), disk_(disk) {}

  leveldb::Status NewSequentialFile(const std::string& name,
                                    leveldb::SequentialFile** file) override;
  leveldb::Status NewRandomAccessFile(const std::string& name,
                                      leveldb::RandomAccessFile** file) override;
  leveldb::Status NewWritableFile(const std::string& name, leveldb::WritableFile** file) override;
  leveldb::Status NewAppendableFile(const std::string& name, leveldb::WritableFile** file) override;
  bool FileExists(const std::string& name) override;
  leveldb::Status GetChildren(const std::string& directory,
                              std::vector<std::string>* names) override;
  leveldb::Status RemoveFile(const std::string& name) override;
  leveldb::Status CreateDir(const std::string& name) override;
  leveldb::Status RemoveDir(const std::string& name) override;
  leveldb::Status GetFileSize(const std::string& name, std::uint64_t* size_bytes) override;
  leveldb::Status RenameFile(const std::string& from, const std::string& to) override;
  leveldb::Status LockFile(const std::string& name, leveldb::FileLock** lock) override;
  leveldb::Status UnlockFile(leveldb::FileLock* lock) override;
  void Schedule(void (*work)(void*), void* argument) override;
  leveldb::Status NewLogger(const std::string& name, leveldb::Logger** logger) override;
  void SleepForMicroseconds(int) override {}

 private:
  SimulatedDisk& disk_;
};

}  // namespace gradmint::simulation
