#include "tests/simulation/simulated_disk.h"

#include <algorithm>
#include <cerrno>

#include "kernels/base/check.h"
#include "ledger/durable_file.h"
#include "tests/simulation/simulated_env.h"

namespace gradmint::simulation {

namespace fs = std::filesystem;

class SimulatedFile final : public DiskFile {
 public:
  SimulatedFile(SimulatedDisk& disk, SimulatedDisk::NodePtr node)
      : disk_(disk), node_(std::move(node)), generation_(disk.generation_) {}

  int append(ByteView bytes) override {
    if (!alive() || !disk_.strike()) return EIO;
    const bool full = !bytes.empty() && disk_.weather_.is_full && disk_.weather_.is_full();
    const ByteView fits = full ? bytes.first(bytes.size() / 2) : bytes;
    disk_.write(node_, [&](Bytes& all) { all.insert(all.end(), fits.begin(), fits.end()); });
    return full ? ENOSPC : 0;
  }
  int read_at(std::uint64_t offset_bytes, std::span<std::uint8_t> into,
              std::size_t& got) const override {
    if (!alive()) return EIO;
    const Bytes& all = *node_->bytes;
    const std::size_t from = std::min<std::size_t>(offset_bytes, all.size());
    got = std::min(into.size(), all.size() - from);
    std::copy_n(all.begin() + static_cast<std::ptrdiff_t>(from), got, into.begin());
    return 0;
  }
  int size(std::uint64_t& size_bytes) const override {
    if (!alive()) return EIO;
    size_bytes = node_->bytes->size();
    return 0;
  }
  int truncate(std::uint64_t size_bytes) override {
    if (!alive() || !disk_.strike()) return EIO;
    disk_.write(node_, [&](Bytes& all) { all.resize(size_bytes); });
    return 0;
  }
  int sync() override {
    if (!alive() || !disk_.strike()) return EIO;
    node_->synced = node_->bytes;
    disk_.dirty_.erase(node_.get());
    return 0;
  }
  int give_name(const fs::path& name) override {
    if (!alive() || !disk_.strike()) return EIO;
    const auto directory = disk_.parent(name);
    if (!directory) return ENOENT;
    if (directory->names.contains(name.filename().string())) return EEXIST;
    disk_.apply({{directory, name.filename().string(), node_}});
    return 0;
  }
  int close() override { return alive() ? 0 : EIO; }

 private:
  // Of this life of its process, and before the power went.
  bool alive() const { return disk_.powered() && generation_ == disk_.generation_; }

  SimulatedDisk& disk_;
  SimulatedDisk::NodePtr node_;
  std::uint64_t generation_;
};

namespace {

class SimulatedLock final : public DiskLock {
 public:
  explicit SimulatedLock(std::function<void()> free) : free_(std::move(free)) {}
  ~SimulatedLock() override { free_(); }

 private:
  std::function<void()> free_;
};

}  // namespace

SimulatedDisk::SimulatedDisk() : root_(std::make_shared<Node>()) { root_->is_directory = true; }
SimulatedDisk::~SimulatedDisk() { run_background(); }

bool SimulatedDisk::strike() {
  if (cut_) return false;
  ++operations_;
  if (weather_.power_fails && weather_.power_fails()) cut_power();
  return !cut_;
}

SimulatedDisk::NodePtr SimulatedDisk::find(const fs::path& path) const {
  NodePtr at = root_;
  for (const fs::path& part : path.lexically_normal()) {
    if (part == "/" || part.empty() || part == ".") continue;
    if (!at->is_directory) return nullptr;
    const auto next = at->names.find(part.string());
    if (next == at->names.end()) return nullptr;
    at = next->second;
  }
  return at;
}

SimulatedDisk::NodePtr SimulatedDisk::parent(const fs::path& path) const {
  const NodePtr found = find(path.parent_path());
  return found && found->is_directory ? found : nullptr;
}

void SimulatedDisk::apply(std::vector<NameChange> names) {
  for (const NameChange& change : names) {
    if (change.node) {
      change.directory->names[change.name] = change.node;
    } else {
      change.directory->names.erase(change.name);
    }
  }
  changes_.push_back(std::move(names));
}

void SimulatedDisk::write(const NodePtr& node, const std::function<void(Bytes&)>& change) {
  // Whoever has mapped the old bytes, and what is synced, keep them.
  if (node->bytes.use_count() > 1) node->bytes = std::make_shared<Bytes>(*node->bytes);
  change(*node->bytes);
  dirty_[node.get()] = node;
}

int SimulatedDisk::open(const fs::path& path, Open how, unsigned mode,
                        std::unique_ptr<DiskFile>& file) {
  if (cut_) return EIO;
  const auto made = [&] {
    auto node = std::make_shared<Node>();
    node->number = ++nodes_;
    node->mode = mode;
    file = std::make_unique<SimulatedFile>(*this, node);
    return node;
  };
  if (how == Open::nameless) {
    const NodePtr directory = find(path);
    if (!directory || !directory->is_directory) return ENOENT;
    if (!strike()) return EIO;
    made();
    return 0;
  }
  const NodePtr node = find(path);
  if (node && node->is_directory) return EISDIR;
  if (node) {
    if (how == Open::create_new) return EEXIST;
    file = std::make_unique<SimulatedFile>(*this, node);
    return 0;
  }
  const NodePtr directory = parent(path);
  if (how == Open::existing || !directory) return ENOENT;
  if (!strike()) return EIO;
  apply({{directory, path.filename().string(), made()}});
  return 0;
}

Result<Bytes> SimulatedDisk::read(const fs::path& file, std::uint64_t cap_bytes,
                                  Links links) const {
  const auto mapped = map(file, cap_bytes, links);
  if (!mapped.ok()) return mapped.error();
  return Bytes(mapped->bytes().begin(), mapped->bytes().end());
}

Result<MappedFile> SimulatedDisk::map(const fs::path& file, std::uint64_t cap_bytes, Links) const {
  if (cut_) return file_error("open", file, EIO);
  const NodePtr node = find(file);
  if (!node) return file_error("open", file, ENOENT);
  if (node->is_directory)
    return Error{ErrorCode::bad_input, "'" + file.string() + "' is a directory"};
  if (node->bytes->size() > cap_bytes)
    return Error{ErrorCode::corrupt, "'" + file.string() + "' is longer than expected"};
  return MappedFile::of(node->bytes, ByteView(*node->bytes));
}

DiskEntry SimulatedDisk::look(const fs::path& path, Links) const {
  const NodePtr node = cut_ ? nullptr : find(path);
  if (!node) return {};
  return {node->is_directory ? DiskEntry::Kind::directory : DiskEntry::Kind::regular,
          node->bytes->size(), node->mode};
}

int SimulatedDisk::list(const fs::path& directory, std::vector<std::string>& names) const {
  if (cut_) return EIO;
  const NodePtr node = find(directory);
  if (!node) return ENOENT;
  if (!node->is_directory) return ENOTDIR;
  for (const auto& [name, entry] : node->names) names.push_back(name);
  return 0;
}

int SimulatedDisk::rename(const fs::path& from, const fs::path& to) {
  if (!strike()) return EIO;
  const NodePtr node = find(from), source = parent(from), target = parent(to);
  if (!node || !target) return ENOENT;
  if (from == to) return 0;
  apply({{target, to.filename().string(), node}, {source, from.filename().string(), nullptr}});
  return 0;
}

int SimulatedDisk::link(const fs::path& from, const fs::path& to) {
  if (!strike()) return EIO;
  const NodePtr node = find(from), target = parent(to);
  if (!node || !target) return ENOENT;
  if (find(to)) return EEXIST;
  apply({{target, to.filename().string(), node}});
  return 0;
}

int SimulatedDisk::remove(const fs::path& path) {
  if (!powered()) return EIO;
  const NodePtr node = find(path);
  if (!node) return ENOENT;
  if (node->is_directory && !node->names.empty()) return ENOTEMPTY;
  if (!strike()) return EIO;
  apply({{parent(path), path.filename().string(), nullptr}});
  return 0;
}

int SimulatedDisk::make_directory(const fs::path& directory, unsigned mode) {
  if (!powered()) return EIO;
  const NodePtr above = parent(directory);
  if (!above) return ENOENT;
  if (find(directory)) return EEXIST;
  if (!strike()) return EIO;
  auto node = std::make_shared<Node>();
  node->number = ++nodes_;
  node->is_directory = true;
  node->mode = mode;
  apply({{above, directory.filename().string(), node}});
  return 0;
}

// Every change so far in which it has a part stays, and with one in two directories what came
// before it in either.
int SimulatedDisk::sync_directory(const fs::path& directory) {
  if (!strike()) return EIO;
  const NodePtr node = find(directory);
  if (!node) return ENOENT;
  std::set<const Node*> reached{node.get()};
  std::vector<Change> stay, may_go;
  for (auto change = changes_.rbegin(); change != changes_.rend(); ++change) {
    const bool stays = std::any_of(change->begin(), change->end(), [&](const NameChange& c) {
      return reached.contains(c.directory.get());
    });
    if (stays) {
      for (const NameChange& c : *change) reached.insert(c.directory.get());
    }
    (stays ? stay : may_go).push_back(std::move(*change));
  }
  for (auto change = stay.rbegin(); change != stay.rend(); ++change) settle(*change);
  changes_.assign(std::make_move_iterator(may_go.rbegin()), std::make_move_iterator(may_go.rend()));
  return 0;
}

void SimulatedDisk::settle(const Change& change) {
  for (const NameChange& c : change) {
    if (c.node) {
      c.directory->synced_names[c.name] = c.node;
    } else {
      c.directory->synced_names.erase(c.name);
    }
  }
}

int SimulatedDisk::set_mode(const fs::path& path, unsigned mode) {
  if (!strike()) return EIO;
  const NodePtr node = find(path);
  if (!node) return ENOENT;
  node->mode = mode;
  return 0;
}

int SimulatedDisk::lock_directory(const fs::path& directory, std::unique_ptr<DiskLock>& lock) {
  if (cut_) return EIO;
  const NodePtr node = find(directory);
  if (!node) return ENOENT;
  if (!locked_.insert(node.get()).second) return EWOULDBLOCK;
  lock = std::make_unique<SimulatedLock>([this, node, life = generation_] {
    if (life == generation_) locked_.erase(node.get());
  });
  return 0;
}

leveldb::Env* SimulatedDisk::new_database_env() { return new SimulatedEnv(*this); }

void SimulatedDisk::schedule(void (*work)(void*), void* argument) {
  const std::lock_guard lock(background_mutex_);
  const std::uint64_t turn = ++background_begun_;
  background_.emplace_back([this, work, argument, turn] {
    {
      std::unique_lock wait(background_mutex_);
      // For ever is no good: a store that cannot be opened is closed again at once.
      background_wake_.wait_for(wait, std::chrono::seconds(2),
                                [&] { return cut_ || background_allowed_ >= turn; });
    }
    work(argument);
  });
}

void SimulatedDisk::run_background() {
  while (true) {
    std::vector<std::thread> begun;
    {
      const std::lock_guard lock(background_mutex_);
      background_allowed_ = background_begun_;
      begun.swap(background_);
    }
    background_wake_.notify_all();
    if (begun.empty()) return;
    for (std::thread& thread : begun) thread.join();
  }
}

void SimulatedDisk::cut_power() {
  {
    const std::lock_guard lock(background_mutex_);
    cut_ = true;
  }
  background_wake_.notify_all();
}

void SimulatedDisk::restart_process() {
  process_ended();
  cut_ = false;
}

void SimulatedDisk::process_ended() {
  run_background();
  ++generation_;
  locked_.clear();
}

// Some of what was written since the last sync: nothing, everything, or a beginning.
void SimulatedDisk::lose_bytes(Node& node, Seeded& losses) {
  const Bytes& now = *node.bytes;
  const Bytes& before = *node.synced;
  const bool grew =
      now.size() >= before.size() && std::equal(before.begin(), before.end(), now.begin());
  const std::size_t sure = grew ? before.size() : 0;
  switch (losses.below(4)) {
    case 0:
      node.bytes = node.synced;
      return;
    case 1:
      break;
    default: {
      constexpr std::size_t kBlockBytes = 4096;
      auto left = std::make_shared<Bytes>(now);
      left->resize(sure + losses.below(now.size() - sure + 1));
      if (losses.below(2) == 0 && left->size() > sure) {
        const std::size_t zeros = 1 + losses.below(std::min(left->size() - sure, kBlockBytes));
        std::fill(left->end() - static_cast<std::ptrdiff_t>(zeros), left->end(), 0);
      }
      node.bytes = std::move(left);
    }
  }
  node.synced = node.bytes;
}

void SimulatedDisk::restore_power(Seeded losses) {
  process_ended();
  cut_ = false;
  std::set<Node*> directories;
  for (const Change& change : changes_) {
    for (const NameChange& c : change) directories.insert(c.directory.get());
  }
  const std::size_t kept = losses.below(changes_.size() + 1);
  for (std::size_t i = 0; i < kept; ++i) settle(changes_[i]);
  for (Node* directory : directories) directory->names = directory->synced_names;
  changes_.clear();
  // By the order in which the files were made: the same in every run of a seed.
  std::map<std::uint64_t, NodePtr> files;
  for (const auto& [unused, weak] : dirty_) {
    if (const NodePtr node = weak.lock()) files[node->number] = node;
  }
  dirty_.clear();
  for (const auto& [number, node] : files) lose_bytes(*node, losses);
}

}  // namespace gradmint::simulation
