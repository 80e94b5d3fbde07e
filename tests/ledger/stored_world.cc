#include "tests/ledger/stored_world.h"

#include <leveldb/db.h>

#include <fstream>

#include "ledger/blobs.h"
#include "ledger/store.h"

namespace gradmint::test {
namespace {

void must_hold(const Status& status) {
  if (!status.ok()) std::fprintf(stderr, "%s\n", status.error().message.c_str());
  GRADMINT_CHECK(status.ok());
}

std::unique_ptr<leveldb::DB> open_database(const std::filesystem::path& directory) {
  leveldb::DB* database = nullptr;
  const auto status = leveldb::DB::Open({}, (directory / "db").string(), &database);
  GRADMINT_CHECK(status.ok());
  return std::unique_ptr<leveldb::DB>(database);
}

}  // namespace

void store_world(const World& world, const std::filesystem::path& directory) {
  auto store = LedgerStore::open(directory, LedgerStore::Mode::read_write).value();
  must_hold(store->write_genesis(encode_record(world.genesis)));
  const Chain start = Chain::start(world.genesis).value();
  BlockDraft first;
  first.block.header = start.tip();
  first.block_hash = start.tip_hash();
  first.changes = start.genesis_changes();
  std::vector<int> everyone;
  for (std::size_t i = 0; i < world.validators.size(); ++i) everyone.push_back(static_cast<int>(i));
  must_hold(store->commit(batch_of(first, world.certify(start.tip(), everyone))));
  for (const PlayedBlock& played : world.played) {
    must_hold(store->commit(batch_of(played.draft, played.certificate)));
  }
  const BlobStore blobs(directory / "blobs");
  for (const auto& [root, bytes] : world.blobs) GRADMINT_CHECK(blobs.put(bytes).value() == root);
}

Result<LedgerSource> source_at(const std::filesystem::path& directory) {
  auto store = LedgerStore::open(directory, LedgerStore::Mode::read_only);
  if (!store.ok()) return store.error();
  return LedgerSource{*std::move(store), std::make_shared<BlobStore>(directory / "blobs")};
}

std::map<std::string, std::string> database_entries(const std::filesystem::path& directory) {
  const auto database = open_database(directory);
  std::map<std::string, std::string> entries;
  const std::unique_ptr<leveldb::Iterator> it(database->NewIterator({}));
  for (it->SeekToFirst(); it->Valid(); it->Next()) {
    entries[it->key().ToString()] = it->value().ToString();
  }
  return entries;
}

void set_entry(const std::filesystem::path& directory, const std::string& key,
               const std::optional<std::string>& value) {
  const auto database = open_database(directory);
  const auto status = value ? database->Put({}, key, *value) : database->Delete({}, key);
  GRADMINT_CHECK(status.ok());
}

std::string read_text(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}
void write_text(const std::filesystem::path& file, const std::string& text) {
  std::ofstream out(file, std::ios::binary | std::ios::trunc);
  out << text;
}

}  // namespace gradmint::test
