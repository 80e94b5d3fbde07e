// A worker's directory: made once, held by one, and read back as it was written.
#include <doctest/doctest.h>
#include <stdlib.h>

#include <algorithm>
#include <fstream>
#include <functional>

#include "ledger/durable_file.h"
#include "ledger/hash.h"
#include "ledger/merkle.h"
#include "ledger/model/safetensors.h"
#include "worker/session/home.h"

namespace gradmint::session {
namespace {

namespace fs = std::filesystem;

Hash hash_of(std::string_view name) { return sha256(as_bytes(name)); }

// A directory with a cheap key, so that no test waits for scrypt.
class Place {
 public:
  Place() {
    std::string pattern = (fs::temp_directory_path() / "gradmint-home-XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path = pattern;
    fs::create_directories(path / "w" / "keys");
    REQUIRE(create_file(path / "pass", as_bytes("a passphrase\n"), 0600).ok());
    const auto key = SecretKey::from_bytes(hash_of("key"));
    REQUIRE(
        write_keystore(path / "w" / "keys" / "worker.json", *key, "a passphrase", KeystoreCost{10})
            .ok());
  }
  ~Place() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
  Result<WorkerHome> open(const std::optional<Invitation>& invitation = {}) const {
    return WorkerHome::open(path / "w", invitation, path / "pass");
  }
  fs::path path;
};

Invitation invitation(std::string_view chain) {
  return {"tcp://127.0.0.1:7700", hash_of("coordinator"), hash_of(chain), {1, 2, 3}};
}

CertifiedHeader header(int i) {
  return {Bytes(200, static_cast<std::uint8_t>(i)), Bytes(90, static_cast<std::uint8_t>(i + 1))};
}

TEST_CASE("a home is made with an invitation and found again without one") {
  const Place place;
  CHECK(place.open().error().code == ErrorCode::bad_input);
  Hash curve, secret;
  {
    auto home = place.open(invitation("a"));
    REQUIRE(home.ok());
    curve = home->curve().public_key;
    secret = home->secret();
    CHECK(place.open().error().code == ErrorCode::busy);
  }
  auto home = place.open();
  REQUIRE(home.ok());
  CHECK(home->curve().public_key == curve);
  CHECK(home->secret() == secret);
  CHECK(home->connection().code == invitation("a").code);
  CHECK(read_account(place.path / "w").value() == home->key().account());
}

TEST_CASE("an invitation to another chain is refused, one to the same moves the address") {
  const Place place;
  REQUIRE(place.open(invitation("a")).ok());
  CHECK(place.open(invitation("b")).error().code == ErrorCode::bad_input);
  Invitation moved = invitation("a");
  moved.join_endpoint = "tcp://10.0.0.1:1";
  CHECK(place.open(moved)->connection().join_endpoint == "tcp://10.0.0.1:1");
}

TEST_CASE("damaged key files are named") {
  for (const char* file : {"keys/curve.json", "keys/secret", "connection.json"}) {
    CAPTURE(file);
    const Place place;
    REQUIRE(place.open(invitation("a")).ok());
    std::ofstream(place.path / "w" / file, std::ios::trunc) << "{}";
    const auto home = place.open();
    REQUIRE_FALSE(home.ok());
    CHECK(home.error().message.find(fs::path(file).filename().string()) != std::string::npos);
  }
}

TEST_CASE("a damaged connection is replaced by an invitation, a used one too") {
  for (const char* text : {"", "{}", "{\"join\":1}", "[[[["}) {
    CAPTURE(text);
    const Place place;
    REQUIRE(place.open(invitation("a")).ok());
    std::ofstream(place.path / "w" / "connection.json", std::ios::trunc) << text;
    CHECK(place.open().error().code == ErrorCode::corrupt);
    CHECK(place.open(invitation("a"))->connection().chain_id == hash_of("a"));
    CHECK(place.open().ok());
  }
}

TEST_CASE("one worker runs in a home, whatever is deleted there; leftovers are removed") {
  const Place place;
  {
    const auto home = place.open(invitation("a"));
    REQUIRE(home.ok());
    fs::remove(place.path / "w" / "lock");  // where older homes were locked
    CHECK(place.open().error().code == ErrorCode::busy);
    fs::remove_all(place.path / "w" / "rounds");
    CHECK(place.open().error().code == ErrorCode::busy);
  }
  const fs::path left = place.path / "w" / "keys" / "secret.partial-12-3";
  std::ofstream(left) << "half";
  REQUIRE(place.open().ok());
  CHECK_FALSE(fs::exists(left));
}

TEST_CASE("secrets that others can read are refused") {
  for (const char* file : {"w/keys/worker.json", "w/keys/curve.json", "w/keys/secret", "pass"}) {
    CAPTURE(file);
    const Place place;
    REQUIRE(place.open(invitation("a")).ok());
    fs::permissions(place.path / file, fs::perms(0644));
    const auto home = place.open();
    REQUIRE_FALSE(home.ok());
    CHECK(home.error().code == ErrorCode::refused);
    CHECK(home.error().message.find("chmod 600") != std::string::npos);
    CHECK(home.error().message.find(file) != std::string::npos);
  }
}

TEST_CASE("keys that the ledger knows are never made anew") {
  for (const char* file : {"keys/worker.json", "keys/curve.json"}) {
    CAPTURE(file);
    const Place place;
    REQUIRE(place.open(invitation("a"))->save_genesis({1}).ok());
    fs::remove(place.path / "w" / file);
    const auto home = place.open();
    REQUIRE_FALSE(home.ok());
    CHECK(home.error().message.find(std::string(file) + " is gone") != std::string::npos);
    CHECK_FALSE(fs::exists(place.path / "w" / file));
  }
}

UpdateMemory update(std::uint64_t round, const Bytes& payload) {
  UpdateMemory u;
  u.key = {round, 0};
  u.open_block = hash_of("open");
  u.body.round = round;
  u.opening = {hash_of("root"), payload.size(), Encoding::fp32, hash_of("salt")};
  return u;
}

TEST_CASE("what is saved is there again, a torn header is not") {
  const Place place;
  const Bytes payload(10'000, 42);
  {
    auto home = place.open(invitation("a"));
    REQUIRE(home.ok());
    REQUIRE(home->load_memory()->genesis.empty());
    REQUIRE(home->save_genesis({1, 2, 3}).ok());
    for (int i = 0; i < 3; ++i) REQUIRE(home->save_header(header(i)).ok());
    for (std::uint64_t r = 1; r <= 5; ++r)
      REQUIRE(home->save_update(update(r, payload), payload, {}).ok());
    REQUIRE(home->save_receipt({5, 0}, Bytes(kReceiptBytes, 9)).ok());
    EvaluationMemory evaluation;
    evaluation.body.round = 5;
    REQUIRE(home->save_evaluation(evaluation).ok());
  }
  const fs::path log = place.path / "w" / "headers.log";
  fs::resize_file(log, fs::file_size(log) - 1);
  auto home = place.open();
  REQUIRE(home.ok());
  const auto memory = home->load_memory();
  REQUIRE(memory.ok());
  CHECK(memory->genesis == Bytes{1, 2, 3});
  REQUIRE(memory->headers.size() == 2);
  CHECK(memory->headers[1] == header(1));
  CHECK(memory->updates.size() == 5);  // statements stay, old payloads go
  CHECK_FALSE(fs::exists(place.path / "w" / "payloads" / "000002-0"));
  CHECK(memory->evaluations.size() == 1);
  REQUIRE(home->save_header(header(2)).ok());
  const auto slice = home->update_slice({5, 0}, 9'000, 1'000);
  REQUIRE(slice.ok());
  CHECK(slice->view().size() == 1'000);
  CHECK_FALSE(home->update_slice({5, 0}, 9'001, 1'000).ok());

  const auto evidence = home->save_fork(2, header(7));
  REQUIRE(evidence.ok());
  CHECK(evidence->first == header(1));
  const auto text = read_file(evidence->file, 100'000);
  REQUIRE(text.ok());
  const std::string json(text->begin(), text->end());
  CHECK(json.find(to_hex(header(1).header)) != std::string::npos);
  CHECK(json.find(to_hex(header(7).header)) != std::string::npos);
}

TEST_CASE("a log of headers: torn ends are dropped, other damage stops the worker") {
  struct Row {
    const char* what;
    std::function<void(std::string&)> spoil;
    std::size_t kept;  // headers; more than there are: corrupt
  };
  constexpr std::size_t kCorrupt = 99;
  const Row rows[] = {
      {"nothing", [](std::string&) {}, 20},
      {"empty", [](std::string& log) { log.clear(); }, 0},
      {"one byte left", [](std::string& log) { log.resize(1); }, 0},
      {"torn in the last header", [](std::string& log) { log.resize(log.size() - 200); }, 19},
      {"torn in a length", [](std::string& log) { log.resize(log.size() - 306 + 2); }, 19},
      {"zeros after a power cut", [](std::string& log) { log.append(400, '\0'); }, 20},
      {"zeros over the last", [](std::string& log) { std::fill(log.end() - 306, log.end(), '\0'); },
       19},
      {"zeros over the end of the last and all behind it",
       [](std::string& log) {
         std::fill(log.end() - 100, log.end(), '\0');
         log.append(3000, '\0');
       },
       19},
      {"zeros from the middle of an older one on",
       [](std::string& log) { std::fill(log.end() - 306 * 3 - 50, log.end(), '\0'); }, 16},
      {"another byte in the middle", [](std::string& log) { log[306 * 10 + 100] ^= 1; }, kCorrupt},
      {"a length no header has", [](std::string& log) { log[3] = 127; }, kCorrupt},
      {"a length in the middle", [](std::string& log) { log[306 * 10] = 90; }, kCorrupt},
      {"a length near the end", [](std::string& log) { log[306 * 19 + 3] = 127; }, kCorrupt},
      {"something else", [](std::string& log) { log.assign(10'000, 'x'); }, kCorrupt},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    const Place place;
    {
      auto home = place.open(invitation("a"));
      REQUIRE(home->save_genesis({1}).ok());
      for (int i = 1; i <= 20; ++i) REQUIRE(home->save_header(header(i)).ok());
    }
    const fs::path file = place.path / "w" / "headers.log";
    const auto bytes = read_file(file, 100'000);
    REQUIRE(bytes->size() == 20 * 306);
    std::string log(bytes->begin(), bytes->end());
    row.spoil(log);
    std::ofstream(file, std::ios::trunc | std::ios::binary) << log;
    auto home = place.open();
    const auto memory = home->load_memory();
    REQUIRE(memory.ok() == (row.kept != kCorrupt));
    if (!memory.ok()) {
      CHECK(memory.error().code == ErrorCode::corrupt);
      CHECK(memory.error().message.find("headers.log is damaged after block") != std::string::npos);
      CHECK(fs::file_size(file) == log.size());  // nothing was thrown away
      continue;
    }
    REQUIRE(memory->headers.size() == row.kept);
    REQUIRE(home->save_header(header(99)).ok());
    CHECK(place.open().error().code == ErrorCode::busy);
  }
}

TEST_CASE("without its genesis, statements are remembered and headers are not overwritten") {
  const Place place;
  const Bytes payload(100, 1);
  {
    auto home = place.open(invitation("a"));
    REQUIRE(home->save_genesis({1}).ok());
    REQUIRE(home->save_header(header(1)).ok());
    REQUIRE(home->save_update(update(1, payload), payload, {}).ok());
  }
  fs::remove(place.path / "w" / "genesis");
  {
    auto home = place.open();
    CHECK(home->load_memory().error().code == ErrorCode::corrupt);
  }
  fs::remove(place.path / "w" / "headers.log");
  auto home = place.open();
  CHECK(home->load_memory()->updates.size() == 1);
}

TEST_CASE("what an encoding lost waits for the next round, over restarts and attempts") {
  const Place place;
  const Bytes payload(100, 1);
  const auto save = [&](WorkerHome& home, AttemptKey key, std::vector<float> residual) {
    UpdateMemory made = update(key.round, payload);
    made.key = key;
    REQUIRE(home.save_update(made, payload, residual).ok());
  };
  const auto residual_of = [&](const WorkerHome& home, std::uint64_t round) {
    const fs::path file = home.residual_before(round);
    if (file.empty()) return std::vector<float>{};
    return decode_flat_fp32(read_file(file, 1'000).value()).value();
  };
  {
    auto home = place.open(invitation("a"));
    CHECK(residual_of(*home, 1).empty());
    save(*home, {1, 0}, {1});
    CHECK(residual_of(*home, 1).empty());  // a round's own is not for itself
    CHECK(residual_of(*home, 2) == std::vector<float>{1});
    for (std::uint32_t attempt = 0; attempt < 12; ++attempt) {
      save(*home, {2, attempt}, {20.0F + static_cast<float>(attempt)});
      CHECK(residual_of(*home, 2) == std::vector<float>{1});
    }
  }
  auto home = place.open();
  CHECK(residual_of(*home, 2) == std::vector<float>{1});
  CHECK(residual_of(*home, 3) == std::vector<float>{31});
  save(*home, {5, 0}, {});  // nothing lost
  CHECK(residual_of(*home, 5) == std::vector<float>{31});
  CHECK(residual_of(*home, 6).empty());
  save(*home, {6, 0}, {60});
  CHECK(residual_of(*home, 6).empty());
  CHECK_FALSE(fs::exists(place.path / "w" / "residuals" / "000002-11"));
  save(*home, {7, 0}, {70});
  fs::remove(home->residual_before(8));  // as a damaged one: that of round 6 has been sent already
  CHECK(residual_of(*home, 8).empty());
}

TEST_CASE("a damaged residual is named, with what to do") {
  const Place place;
  auto home = place.open(invitation("a"));
  const Bytes payload(100, 1);
  REQUIRE(home->save_update(update(1, payload), payload, std::vector<float>{1, 2, 3}).ok());
  const fs::path file = home->residual_before(2);
  CHECK(WorkerHome::read_residual(posix_disk(), file, 3).value() == std::vector<float>{1, 2, 3});
  CHECK(WorkerHome::read_residual(posix_disk(), {}, 3).value().empty());
  const auto refused = [&](const Bytes& bytes, const std::string& what) {
    REQUIRE(replace_file(file, bytes).ok());
    const auto read = WorkerHome::read_residual(posix_disk(), file, 3);
    REQUIRE_FALSE(read.ok());
    CHECK(read.error().code == ErrorCode::corrupt);
    CHECK(read.error().message == "'" + file.string() +
                                      "', what encoding the update before has lost, " + what +
                                      ": delete it, and the worker goes on without it");
  };
  refused(Bytes(11), "has 11 bytes, the model needs 12");
  refused(Bytes(16), "has 16 bytes, the model needs 12");
  Bytes infinite(12);
  infinite[6] = 0x80;
  infinite[7] = 0x7f;
  refused(infinite, "is not finite at value 1");
  fs::remove(file);
  CHECK(WorkerHome::read_residual(posix_disk(), file, 3).error().message.find(file.string()) !=
        std::string::npos);
  CHECK(home->residual_before(2).empty());
}

TEST_CASE("a damaged statement stops the worker: without it, it could contradict itself") {
  const Place place;
  const Bytes payload(100, 1);
  {
    auto home = place.open(invitation("a"));
    REQUIRE(home->save_genesis({1}).ok());
    REQUIRE(home->save_update(update(1, payload), payload, {}).ok());
  }
  fs::resize_file(place.path / "w" / "rounds" / "000001-0" / "update", 20);
  auto home = place.open();
  const auto memory = home->load_memory();
  REQUIRE_FALSE(memory.ok());
  CHECK(memory.error().code == ErrorCode::corrupt);
}

TEST_CASE("downloads go on where they were cut, and only what has its root gets its name") {
  const Place place;
  auto home = place.open(invitation("a"));
  REQUIRE(home.ok());
  const Bytes model(3'000, 5);
  const Hash root = blob_root(model);
  const ByteView bytes(model);
  REQUIRE(home->write_blob(root, 0, bytes.first(1'000)).ok());
  CHECK(home->look_for_blob(root).held_bytes == 1'000);
  REQUIRE(home->write_blob(root, 500, bytes.subspan(500)).ok());
  CHECK(home->finish_blob(root).value());
  CHECK(home->look_for_blob(root).complete);
  const Hash other = hash_of("other");
  REQUIRE(home->write_blob(other, 0, bytes).ok());
  CHECK_FALSE(home->finish_blob(other).value());
  CHECK(home->look_for_blob(other).held_bytes == 0);
  home->keep_blobs({root});
  CHECK(home->look_for_blob(root).complete);
  home->keep_blobs({});
  CHECK_FALSE(home->look_for_blob(root).complete);
}

}  // namespace
}  // namespace gradmint::session
