#include "worker/session/home.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "ledger/durable_file.h"
#include "ledger/hash.h"
#include "ledger/json_text.h"
#include "ledger/model/safetensors.h"

namespace gradmint::session {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxGenesisBytes = kMaxPayloadBytes;
constexpr std::size_t kMaxMemoryFileBytes = 256 * 1024;  // sums of 4096 columns
constexpr std::size_t kMaxHeaderLogBytes = std::size_t{8} << 30;
constexpr std::size_t kPayloadsKept = 3;

// Tells a record that was written whole from one that a power cut has filled up with zeros.
std::uint64_t checksum(const CertifiedHeader& header) {
  Writer w;
  w.bytes(header.header);
  w.bytes(header.certificate);
  const Hash digest = sha256(w.view());
  return Reader(digest.view()).u64();
}

Bytes encode_certified(const CertifiedHeader& header) {
  Writer w;
  w.bytes(header.header);
  w.bytes(header.certificate);
  w.u64(checksum(header));
  return w.take();
}

bool read_certified(Reader& r, CertifiedHeader& header) {
  header.header = r.bytes(kMaxHeaderBytes);
  header.certificate = r.bytes(kMaxCertificateBytes);
  const std::uint64_t sum = r.u64();
  return r.ok() && !header.header.empty() && sum == checksum(header);
}

// Whether `rest`, in which no header could be read, is what a crash leaves at the end of a log: the
// beginning of one record and zeros, of which each may be missing. `longest_bytes`: of the records
// before it.
bool is_torn_end(ByteView rest, std::size_t longest_bytes) {
  while (!rest.empty() && rest.back() == 0) rest = rest.first(rest.size() - 1);
  if (rest.empty()) return true;
  if (longest_bytes == 0) longest_bytes = kMaxHeaderBytes + kMaxCertificateBytes;
  Reader reader(rest);
  const std::uint32_t header_bytes = reader.u32();
  return rest.size() < 2 * longest_bytes && (!reader.ok() || header_bytes <= kMaxHeaderBytes);
}

nlohmann::json json_of(const CertifiedHeader& header) {
  return {{"header", to_hex(header.header)}, {"certificate", to_hex(header.certificate)}};
}

template <class T>
Result<T> read_memory(const Disk& disk, const fs::path& file) {
  auto bytes = disk.read(file, kMaxMemoryFileBytes);
  if (!bytes) return bytes.error();
  auto record = decode_record<T>(*bytes);
  if (!record) {
    return Error{ErrorCode::corrupt, file.string() +
                                         " is damaged: restore it from a copy; without it this "
                                         "worker could contradict what it has signed"};
  }
  return *record;
}

std::string round_name(std::uint64_t round) {
  char text[32];
  std::snprintf(text, sizeof text, "%06llu", static_cast<unsigned long long>(round));
  return text;
}

std::string attempt_name(const AttemptKey& key) {
  return round_name(key.round) + "-" + std::to_string(key.attempt);
}

// The attempt that this file is of.
std::optional<AttemptKey> attempt_of(const fs::path& file) {
  AttemptKey key;
  const std::string name = file.filename().string();
  const char* const end = name.data() + name.size();
  const auto round = std::from_chars(name.data(), end, key.round);
  if (round.ec != std::errc{} || round.ptr == end || *round.ptr != '-') return std::nullopt;
  const auto attempt = std::from_chars(round.ptr + 1, end, key.attempt);
  if (attempt.ec != std::errc{} || attempt.ptr != end) return std::nullopt;
  return key;
}

}  // namespace

// In order.
std::vector<AttemptKey> WorkerHome::attempts_in(const char* folder) const {
  std::vector<std::string> names;
  static_cast<void>(disk_->list(directory_ / folder, names));
  std::vector<AttemptKey> attempts;
  for (const std::string& name : names) {
    if (const auto key = attempt_of(name)) attempts.push_back(*key);
  }
  std::sort(attempts.begin(), attempts.end());
  return attempts;
}

fs::path WorkerHome::attempt_dir(const AttemptKey& key) const {
  return directory_ / "rounds" / attempt_name(key);
}

fs::path WorkerHome::payload_file(const AttemptKey& key) const {
  return directory_ / "payloads" / attempt_name(key);
}

fs::path WorkerHome::part_file(const Hash& root) const {
  return directory_ / "blobs" / (to_hex(root) + ".part");
}

Status WorkerHome::load_headers(Memory& memory) {
  const fs::path log = directory_ / "headers.log";
  auto headers = disk_->read(log, kMaxHeaderLogBytes);
  if (!headers) return headers.error();
  Reader reader(*headers);
  std::size_t longest_bytes = 0;
  for (CertifiedHeader header; read_certified(reader, header);) {
    longest_bytes = std::max<std::size_t>(longest_bytes, reader.position() - headers_end_);
    header_offsets_.push_back(headers_end_);
    headers_end_ = reader.position();
    memory.headers.push_back(header);
  }
  if (is_torn_end(ByteView(*headers).subspan(headers_end_), longest_bytes)) return {};
  return Error{ErrorCode::corrupt,
               log.string() + " is damaged after block " + std::to_string(memory.headers.size()) +
                   ": restore it from a copy, or remove it: headers are fetched again"};
}

Result<Memory> WorkerHome::load_memory() {
  Memory memory;
  const fs::path genesis = directory_ / "genesis";
  if (disk_->look(genesis).is_there()) {
    auto bytes = disk_->read(genesis, kMaxGenesisBytes);
    if (!bytes) return bytes.error();
    memory.genesis = *std::move(bytes);
  }
  if (disk_->look(directory_ / "headers.log").is_there()) {
    if (memory.genesis.empty()) {
      return Error{ErrorCode::corrupt,
                   genesis.string() +
                       " is gone, and headers.log begins with it: restore it from a "
                       "copy, or remove headers.log: both are fetched again"};
    }
    if (Status s = load_headers(memory); !s) return s.error();
  }
  std::vector<std::string> names;
  if (const int failed = disk_->list(directory_ / "rounds", names))
    return file_error("list", directory_ / "rounds", failed);
  for (const std::string& name : names) {
    const fs::path entry = directory_ / "rounds" / name;
    if (name.starts_with("evaluation-")) {
      auto evaluation = read_memory<EvaluationMemory>(*disk_, entry);
      if (!evaluation) return evaluation.error();
      memory.evaluations.push_back(*evaluation);
    } else if (name == "sums") {
      auto sums = read_memory<StateSums>(*disk_, entry);
      if (!sums) return sums.error();
      memory.sums = *std::move(sums);
    } else if (disk_->look(entry / "update").is_there()) {
      auto update = read_memory<UpdateMemory>(*disk_, entry / "update");
      if (!update) return update.error();
      memory.updates.push_back(*update);
    }
  }
  return memory;
}

Status WorkerHome::save_genesis(const Bytes& genesis) {
  return replace_file(*disk_, directory_ / "genesis", genesis);
}

Status WorkerHome::save_header(const CertifiedHeader& header) {
  const Bytes bytes = encode_certified(header);
  if (Status s = write_at(*disk_, directory_ / "headers.log", headers_end_, bytes); !s) return s;
  header_offsets_.push_back(headers_end_);
  headers_end_ += bytes.size();
  return {};
}

Result<WorkerHome::SavedFork> WorkerHome::save_fork(std::uint64_t height,
                                                    const CertifiedHeader& other) {
  SavedFork saved;
  nlohmann::json json{
      {"chain_id", to_hex(connection_.chain_id)}, {"height", height}, {"second", json_of(other)}};
  if (height == 0) {
    json["first"] = "the genesis block";
  } else {
    GRADMINT_CHECK(height <= header_offsets_.size());
    auto log = disk_->map(directory_ / "headers.log");
    if (!log) return log.error();
    Reader reader(log->bytes().subspan(header_offsets_[height - 1]));
    GRADMINT_CHECK(read_certified(reader, saved.first));
    json["first"] = json_of(saved.first);
  }
  saved.file = directory_ / "evidence" / ("fork-" + std::to_string(height) + ".json");
  if (Status s = replace_file(*disk_, saved.file, as_bytes(json_text(json, 2) + "\n")); !s)
    return s.error();
  return saved;
}

Status WorkerHome::save_update(const UpdateMemory& update, ByteView payload,
                               std::span<const float> residual) {
  const fs::path directory = attempt_dir(update.key);
  if (Status s = create_directory_synced(*disk_, directory); !s) return s;
  if (!residual.empty()) {
    const fs::path lost = directory_ / "residuals" / attempt_name(update.key);
    if (Status s = replace_file(*disk_, lost, encode_flat_fp32(residual)); !s) return s;
  }
  if (Status s = replace_file(*disk_, payload_file(update.key), payload); !s) return s;
  if (Status s = replace_file(*disk_, directory / "update", encode_record(update)); !s) return s;
  prune_payloads();
  prune_residuals(update.key.round);
  return {};
}

fs::path WorkerHome::residual_before(std::uint64_t round) const {
  // Payloads, too: an older residual no longer counts where the last update has none.
  std::optional<AttemptKey> last;
  for (const char* folder : {"payloads", "residuals"}) {
    for (const AttemptKey& key : attempts_in(folder)) {
      if (key.round >= round || (last && key < *last)) continue;
      if (disk_->look(attempt_dir(key) / "update").is_there()) last = key;
    }
  }
  if (!last) return {};
  const fs::path residual = directory_ / "residuals" / attempt_name(*last);
  return disk_->look(residual).is_there() ? residual : fs::path();
}

Result<std::vector<float>> WorkerHome::read_residual(const Disk& disk, const fs::path& file,
                                                     std::size_t count) {
  if (file.empty()) return std::vector<float>{};
  const auto mapped = disk.map(file);
  if (!mapped) return mapped.error();
  const auto damaged = [&](const std::string& what) {
    return Error{ErrorCode::corrupt, "'" + file.string() +
                                         "', what encoding the update before has lost, " + what +
                                         ": delete it, and the worker goes on without it"};
  };
  const auto values = decode_flat_fp32(mapped->bytes());
  if (!values || values->size() != count) {
    return damaged("has " + std::to_string(mapped->bytes().size()) + " bytes, the model needs " +
                   std::to_string(count * sizeof(float)));
  }
  const auto bad =
      std::find_if_not(values->begin(), values->end(), [](float x) { return std::isfinite(x); });
  if (bad != values->end()) {
    return damaged("is not finite at value " + std::to_string(bad - values->begin()));
  }
  return *values;
}

// A round is made again from the residual before it, the next one from those of this round.
void WorkerHome::prune_residuals(std::uint64_t round) const {
  const fs::path needed = residual_before(round);
  for (const AttemptKey& key : attempts_in("residuals")) {
    const fs::path file = directory_ / "residuals" / attempt_name(key);
    if (key.round < round && file != needed) static_cast<void>(disk_->remove(file));
  }
}

// Statements and receipts stay for ever; payloads only as long as they may be asked for again.
void WorkerHome::prune_payloads() const {
  const std::vector<AttemptKey> payloads = attempts_in("payloads");
  for (std::size_t i = 0; i + kPayloadsKept < payloads.size(); ++i) {
    static_cast<void>(disk_->remove(payload_file(payloads[i])));
  }
}

Status WorkerHome::save_receipt(const AttemptKey& key, const Bytes& receipt) {
  const fs::path file = attempt_dir(key) / "update";
  auto update = read_memory<UpdateMemory>(*disk_, file);
  if (!update) return update.error();
  update->receipt = receipt;
  return replace_file(*disk_, file, encode_record(*update));
}

Status WorkerHome::save_evaluation(const EvaluationMemory& evaluation) {
  const fs::path file = directory_ / "rounds" / ("evaluation-" + round_name(evaluation.body.round));
  return replace_file(*disk_, file, encode_record(evaluation));
}

Status WorkerHome::save_sums(const StateSums& sums) {
  return replace_file(*disk_, directory_ / "rounds" / "sums", encode_record(sums));
}

Result<Payload> WorkerHome::update_slice(const AttemptKey& key, std::uint64_t offset_bytes,
                                         std::uint32_t length_bytes) {
  if (mapped_key_ != key) {
    auto file = disk_->map(payload_file(key));
    if (!file) return file.error();
    mapped_ = std::make_shared<MappedFile>(*std::move(file));
    mapped_key_ = key;
  }
  const ByteView all = mapped_->bytes();
  if (offset_bytes + length_bytes > all.size()) {
    return Error{ErrorCode::corrupt, payload_file(key).string() +
                                         " is shorter than what was committed to: restore it from "
                                         "a copy, or start again when round " +
                                         std::to_string(key.round) + " is over"};
  }
  return Payload::share(mapped_, all.subspan(offset_bytes, length_bytes));
}

WorkerHome::Look WorkerHome::look_for_blob(const Hash& root) const {
  if (blobs_.contains(root)) {
    if (blobs_.get_verified(root).ok()) return {true, 0};
    static_cast<void>(disk_->remove(blobs_.path_of(root)));  // damaged: fetched anew
  }
  return {false, disk_->look(part_file(root)).size_bytes};
}

Status WorkerHome::write_blob(const Hash& root, std::uint64_t offset_bytes, ByteView bytes) {
  return write_at(*disk_, part_file(root), offset_bytes, bytes);
}

Result<bool> WorkerHome::finish_blob(const Hash& root) {
  const Status adopted = blobs_.adopt(part_file(root), root);
  if (adopted.ok()) return true;
  if (adopted.error().code != ErrorCode::refused) return adopted.error();
  static_cast<void>(disk_->remove(part_file(root)));
  return false;
}

void WorkerHome::keep_blobs(const std::vector<Hash>& roots) const {
  std::vector<std::string> kept;
  for (const Hash& root : roots) kept.push_back(to_hex(root));
  const auto clear = [&](const fs::path& folder, const auto& self) -> void {
    std::vector<std::string> names;
    static_cast<void>(disk_->list(folder, names));
    for (const std::string& name : names) {
      const fs::path path = folder / name;
      const DiskEntry entry = disk_->look(path, Links::refuse);
      if (entry.is_directory()) self(path, self);
      if (!entry.is_regular()) continue;
      const std::string root = path.stem().string();
      if (std::find(kept.begin(), kept.end(), root) == kept.end())
        static_cast<void>(disk_->remove(path));
    }
  };
  clear(directory_ / "blobs", clear);
}

}  // namespace gradmint::session
