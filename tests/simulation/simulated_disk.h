// A disk in memory that tells bytes and names that were synced from those that were not. A power
// cut keeps what was synced and, of the rest, what the seed says: of directory changes the first
// few, in their order; of a file's new bytes none, all, or a beginning, whose last part may read as
// zeros. A killed process loses nothing.
//
// A power cut strikes at a numbered operation: from then on every call fails with EIO, and nothing
// that the process does afterwards is seen, until it is started again (restore_power).
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "ledger/disk.h"
#include "worker/seeded.h"

namespace gradmint::simulation {

class SimulatedEnv;

class SimulatedDisk final : public Disk {
 public:
  SimulatedDisk();
  ~SimulatedDisk() override;

  // ---- Disk
  int open(const std::filesystem::path& path, Open how, unsigned mode,
           std::unique_ptr<DiskFile>& file) override;
  Result<Bytes> read(const std::filesystem::path& file, std::uint64_t cap_bytes,
                     Links links) const override;
  Result<MappedFile> map(const std::filesystem::path& file, std::uint64_t cap_bytes,
                         Links links) const override;
  DiskEntry look(const std::filesystem::path& path, Links links) const override;
  int list(const std::filesystem::path& directory, std::vector<std::string>& names) const override;
  int rename(const std::filesystem::path& from, const std::filesystem::path& to) override;
  int link(const std::filesystem::path& from, const std::filesystem::path& to) override;
  int remove(const std::filesystem::path& path) override;
  int make_directory(const std::filesystem::path& directory, unsigned mode) override;
  int sync_directory(const std::filesystem::path& directory) override;
  int set_mode(const std::filesystem::path& path, unsigned mode) override;
  int lock_directory(const std::filesystem::path& directory,
                     std::unique_ptr<DiskLock>& lock) override;
  leveldb::Env* new_database_env() override;

  // ---- what happens to it
  // Asked before each operation that changes something.
  struct Weather {
    std::function<bool()> power_fails;  // now, before this operation has an effect
    std::function<bool()> is_full;      // this write does not fit
  };
  void set_weather(Weather weather) { weather_ = std::move(weather); }
  bool has_power() const { return !cut_; }
  void cut_power();
  // The machine is switched on again: what was not synced is lost as `losses` says.
  void restore_power(Seeded losses);
  // Its process was killed, and begins again: nothing is lost.
  void restart_process();
  // Its process has ended: locks are free.
  void process_ended();
  std::uint64_t operations() const { return operations_; }  // that change something, so far

  // LevelDB's background work: on threads of its own, which wait for this call, between two events,
  // so that it falls at the same place in every run of a seed. Without power they go on by
  // themselves: nothing they do is seen any more, and whoever closes the database waits for them.
  void run_background();

 private:
  friend class SimulatedFile;
  friend class SimulatedEnv;
  struct Node {
    std::uint64_t number = 0;
    bool is_directory = false;
    unsigned mode = 0;
    std::shared_ptr<Bytes> bytes = std::make_shared<Bytes>();  // of a file; copied when changed
    std::shared_ptr<Bytes> synced = std::make_shared<Bytes>();
    std::map<std::string, std::shared_ptr<Node>> names;  // of a directory
    std::map<std::string, std::shared_ptr<Node>> synced_names;
  };
  using NodePtr = std::shared_ptr<Node>;
  // A name that is set (or, without a node, taken away) in a directory.
  struct NameChange {
    NodePtr directory;
    std::string name;
    NodePtr node;
  };
  using Change = std::vector<NameChange>;  // one step: all of it or nothing

  bool powered() const { return !cut_; }
  bool strike();  // counts an operation; false: the power is gone
  NodePtr find(const std::filesystem::path& path) const;
  NodePtr parent(const std::filesystem::path& path) const;
  void apply(std::vector<NameChange> names);
  void write(const NodePtr& node, const std::function<void(Bytes&)>& change);
  static void settle(const Change& change);  // from now on it outlives a power cut
  static void lose_bytes(Node& node, Seeded& losses);

  NodePtr root_;
  std::vector<Change> changes_;  // that may be lost yet
  std::map<const Node*, std::weak_ptr<Node>> dirty_;
  std::set<const Node*> locked_;
  std::uint64_t generation_ = 0;  // of its process
  std::uint64_t operations_ = 0, nodes_ = 0;
  std::atomic<bool> cut_ = false;
  Weather weather_;

  void schedule(void (*work)(void*), void* argument);
  std::mutex background_mutex_;
  std::condition_variable background_wake_;
  std::uint64_t background_allowed_ = 0, background_begun_ = 0;
  std::vector<std::thread> background_;
};

}  // namespace gradmint::simulation
