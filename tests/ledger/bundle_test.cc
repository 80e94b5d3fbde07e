// A ledger as one file: the same bytes wherever they are made, the same verdict as of the ledger
// itself, and no bit of it that could be another.
#include <sstream>

#include "gradmint_test_paths.h"
#include "ledger/audit/export.h"
#include "ledger/audit/verify.h"
#include "ledger/bundle/bundle_reader.h"
#include "ledger/bundle/bundle_writer.h"
#include "ledger/reader/child_reader.h"
#include "tests/ledger/program_run.h"
#include "tests/ledger/stored_world.h"

using namespace gradmint;
using namespace gradmint::test;
namespace fs = std::filesystem;

namespace {

struct Exported {
  TemporaryDirectory folder;
  World world;
  Exported() {
    world.enrol();
    world.run_round();
    store_world(world, ledger());
  }
  fs::path ledger() const { return folder.path() / "ledger"; }
  fs::path file(const std::string& name) const { return folder.path() / name; }
  // As a program would: no bundle is made of a ledger that was not there.
  fs::path bundle(const std::string& name, bool blobs,
                  std::optional<std::uint64_t> height = std::nullopt) const {
    const auto report = export_bundle(*source_at(ledger()), {file(name), height, blobs, {}});
    if (!report.ok()) FAIL(report.error().message);
    return file(name);
  }
};

Result<LedgerSource> bundle_at(const fs::path& file) { return open_ledger_source(file, {}); }

// "ok", the rule of a fault, or the kind of error.
std::string verdict_of(const fs::path& file, const AuditOptions& options = {}) {
  const auto report = verify_ledger(bundle_at(file), options);
  if (!report.ok()) return "error " + std::to_string(static_cast<int>(report.error().code));
  return report->fault ? report->fault->rule : "ok";
}

// Without making it empty first: some file systems then wait for the disk, each of 40,000 times.
void overwrite(const fs::path& file, const std::string& bytes) {
  if (!fs::exists(file)) write_text(file, bytes);
  std::fstream(file, std::ios::binary | std::ios::in | std::ios::out) << bytes;
  fs::resize_file(file, bytes.size());
}

std::uint64_t number_at(const std::string& bytes, std::size_t at, std::size_t size) {
  std::uint64_t value = 0;
  for (std::size_t i = size; i-- > 0;)
    value = value << 8 | static_cast<std::uint8_t>(bytes[at + i]);
  return value;
}

struct Span {
  std::size_t begin = 0, size = 0;
};

// Where the bytes of the blobs lie, read by the table in docs/audit.md.
std::vector<Span> blobs_in(const std::string& bundle) {
  const std::uint64_t height = number_at(bundle, kBundleHeadBytes - 32 - 8, 8);
  std::size_t at = kBundleHeadBytes;
  for (std::uint64_t part = 0; part < 1 + 4 * (height + 1); ++part)
    at += 4 + number_at(bundle, at, 4);
  std::vector<Span> blobs(number_at(bundle, at, 8));
  at += 8;
  for (Span& blob : blobs) {
    blob.size = number_at(bundle, at + 32, 8);
    blob.begin = (at + 40 + 63) / 64 * 64;
    at = blob.begin + blob.size;
  }
  return blobs;
}

// With the digest of what its last bytes were before.
std::string with_digest(std::string bytes, const std::vector<Span>& blobs = {}) {
  bytes.resize(bytes.size() - kBundleDigestBytes);
  std::string covered = bytes;
  for (std::size_t i = blobs.size(); i-- > 0;) covered.erase(blobs[i].begin, blobs[i].size);
  const Hash digest = sha256(as_bytes(covered));
  return bytes.append(reinterpret_cast<const char*>(digest.bytes.data()), digest.bytes.size());
}

std::string number(std::uint64_t value, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i) text.push_back(static_cast<char>(value >> (8 * i)));
  return text;
}

std::vector<std::string> words(const std::string& line, const fs::path& ledger) {
  std::vector<std::string> all;
  for (std::istringstream in(line); in.good();) in >> all.emplace_back();
  all.insert(all.end(), {"--ledger", ledger.string()});
  return all;
}

}  // namespace

TEST_CASE("bundle: the bytes of a small one") {
  const TemporaryDirectory folder;
  const fs::path file = folder.path() / "small";
  const auto filled = [](std::uint8_t byte, std::size_t size) { return Bytes(size, byte); };
  Hash chain, tip, root;
  chain.bytes.fill(0xC1);
  tip.bytes.fill(0x71);
  root.bytes.fill(0x07);
  auto writer = BundleWriter::begin(file, {chain, 0, tip}, filled(0x6E, 3)).value();
  require_ok(
      writer.add_block({filled(0x11, 4), filled(0x22, 3), filled(0x33, 2), filled(0x44, 1)}));
  require_ok(writer.begin_blobs(1));
  require_ok(writer.add_blob(root, filled(0x55, 5)));
  CHECK_FALSE(fs::exists(file));
  const auto done = writer.finish().value();
  std::string expected = "gradmint-bundle\n";
  expected += number(1, 4) + std::string(32, '\xC1') + number(0, 8) + std::string(32, '\x71');
  expected += number(3, 4) + "nnn";
  expected += number(4, 4) + "\x11\x11\x11\x11" + number(3, 4) + "\x22\x22\x22";
  expected += number(2, 4) + "\x33\x33" + number(1, 4) + "\x44";
  expected += number(1, 8) + std::string(32, '\x07') + number(5, 8);
  expected.resize(192, '\0');
  expected += "UUUUU";
  expected = with_digest(expected + std::string(32, '\0'), {{192, 5}});
  CHECK(whole_file(file) == expected);
  CHECK(done.bytes == expected.size());
  CHECK(to_hex(done.digest) == "965e6ffa8eecf23819c4f40bd509967c224a813f2925ef2150ca5eaa9dfd7bf2");
}

TEST_CASE("bundle: whoever makes it, it is the same file") {
  const Exported e;
  for (const bool blobs : {false, true}) {
    CAPTURE(blobs);
    const std::string once = whole_file(e.bundle("once", blobs));
    CHECK(once == whole_file(e.bundle("again", blobs)));
    // From a bundle itself, and from another copy of the ledger that went on in other tables.
    const auto copied = export_bundle(*bundle_at(e.file("once")), {e.file("copy"), {}, blobs, {}});
    REQUIRE(copied.ok());
    CHECK(once == whole_file(e.file("copy")));
    const TemporaryDirectory other;
    store_world(e.world, other.path() / "ledger");
    require_ok(open_writer(other.path() / "ledger")->put_pending("reveal", noise("pending", 99)));
    const auto elsewhere = export_bundle(*source_at(other.path() / "ledger"),
                                         {other.path() / "bundle", {}, blobs, {}});
    REQUIRE(elsewhere.ok());
    CHECK(once == whole_file(other.path() / "bundle"));
  }
  // What a ledger was at a height is what it is when it stops there.
  World shorter = e.world;
  shorter.played.pop_back();
  const TemporaryDirectory other;
  store_world(shorter, other.path() / "ledger");
  REQUIRE(
      export_bundle(*source_at(other.path() / "ledger"), {other.path() / "b", {}, false, {}}).ok());
  const std::uint64_t height = e.world.chain.height() - 1;
  CHECK(whole_file(other.path() / "b") == whole_file(e.bundle("earlier", false, height)));
}

TEST_CASE("bundle: its audit is the ledger's own") {
  const Exported e;
  const AuditOptions recompute{true, 0, {}};
  const auto directory = verify_ledger(source_at(e.ledger()), recompute);
  const auto bundle = verify_ledger(bundle_at(e.bundle("with", true)), recompute);
  REQUIRE(directory.ok());
  REQUIRE(bundle.ok());
  CHECK(bundle->ok());
  CHECK(bundle->height == directory->height);
  CHECK(bundle->state_root == directory->state_root);
  CHECK(bundle->signatures == directory->signatures);
  CHECK(bundle->transactions == directory->transactions);
  CHECK(bundle->blobs == directory->blobs);
  CHECK(bundle->rounds.size() == directory->rounds.size());
  CHECK(verdict_of(e.bundle("without", false)) == "ok");
  CHECK(verdict_of(e.file("without"), recompute) ==
        "error " + std::to_string(static_cast<int>(ErrorCode::bad_input)));
}

TEST_CASE("bundle: every byte of it counts") {
  const Exported e;
  const std::string whole = whole_file(e.bundle("whole", true));
  const std::vector<Span> blobs = blobs_in(whole);
  REQUIRE(blobs.size() > 3);
  REQUIRE(blobs.back().begin + blobs.back().size + kBundleDigestBytes == whole.size());
  const auto in_blob = [&](std::size_t at) {
    return std::ranges::any_of(
        blobs, [&](const Span& blob) { return at >= blob.begin && at - blob.begin < blob.size; });
  };
  const fs::path file = e.file("changed");
  const AuditOptions recompute{true, 0, {}};
  std::size_t changed = 0, refused = 0;
  for (std::size_t at = 0; at < whole.size(); ++at) {
    const bool edge = at < 256 || at + 64 > whole.size();
    for (std::size_t bit = edge ? 0 : at % 8; bit < (edge ? 8 : at % 8 + 1); ++bit) {
      std::string bytes = whole;
      bytes[at] = static_cast<char>(bytes[at] ^ (1 << bit));
      overwrite(file, bytes);
      CAPTURE(at);
      CAPTURE(bit);
      const auto opened = BundleReader::open(file);
      ++changed;
      REQUIRE(opened.ok() == in_blob(at));
      if (opened.ok()) continue;
      CHECK(opened.error().message.find(file.string()) != std::string::npos);
    }
  }
  // By somebody who makes the digest hold: then the replay, or a blob's own root, says so.
  for (std::size_t at = 0; at + kBundleDigestBytes < whole.size(); at += 5) {
    std::string bytes = whole;
    bytes[at] = static_cast<char>(bytes[at] ^ (1 << (at % 8)));
    overwrite(file, with_digest(bytes, blobs));
    CAPTURE(at);
    const std::string verdict = verdict_of(file, recompute);
    CHECK((in_blob(at) ? verdict == "blob_corrupt" : verdict != "ok"));
    ++refused;
  }
  MESSAGE(changed << " flipped bits, and " << refused << " under a digest that holds, in "
                  << whole.size() << " bytes");
}

TEST_CASE("bundle: cut anywhere, it is refused") {
  const Exported e;
  const std::string whole = whole_file(e.bundle("whole", false));
  const fs::path file = e.file("cut");
  for (std::size_t size = 0; size < whole.size(); ++size) {
    CAPTURE(size);
    overwrite(file, whole.substr(0, size));
    REQUIRE_FALSE(BundleReader::open(file).ok());
    if (size < kBundleDigestBytes) continue;
    overwrite(file, with_digest(whole.substr(0, size)));
    REQUIRE_FALSE(BundleReader::open(file).ok());
  }
  overwrite(file, with_digest(whole + "x" + std::string(32, '\0')));
  REQUIRE_FALSE(BundleReader::open(file).ok());
}

TEST_CASE("bundle: a length that is not there takes no memory") {
  const Exported e;
  const std::string whole = whole_file(e.bundle("whole", true));
  const fs::path file = e.file("long");
  const std::size_t height_at = kBundleMagic.size() + 4 + 32;
  const auto refused = [&](std::size_t at, const std::string& value) {
    std::string bytes = whole;
    bytes.replace(at, value.size(), value);
    overwrite(file, with_digest(bytes, blobs_in(whole)));
    const auto opened = BundleReader::open(file);
    REQUIRE_FALSE(opened.ok());
    CHECK(opened.error().code == ErrorCode::corrupt);
  };
  refused(height_at, number(1ull << 60, 8));
  refused(height_at, number(~0ull, 8));
  refused(kBundleHeadBytes, number(0xFFFFFFFF, 4));
  // The four parts of the first block, each behind the one before.
  std::size_t at = kBundleHeadBytes + 4 + encode_record(e.world.genesis).size();
  for (int part = 0; part < 4; ++part) {
    CAPTURE(part);
    refused(at, number(0xFFFFFFFF, 4));
    refused(at, number(0x7FFFFFFF, 4));
    at += 4 + number_at(whole, at, 4);
  }
  // 200 GB that are not there, behind a head that is: refused before they are read.
  overwrite(file, whole.substr(0, kBundleHeadBytes));
  fs::resize_file(file, 200'000'000'000);
  CHECK_FALSE(BundleReader::open(file).ok());
}

TEST_CASE("bundle: a blob with 200 GB of nothing in it is told by its size") {
  const Exported e;
  const std::string whole = whole_file(e.bundle("whole", true));
  std::vector<Span> blobs = blobs_in(whole);
  const Span last = blobs.back();
  const std::uint64_t claimed = 200'000'000'000;
  std::string head = whole.substr(0, last.begin);
  std::size_t size_at = last.begin;  // before the padding
  while (number_at(head, size_at - 8, 8) != last.size) --size_at;
  head.replace(size_at - 8, 8, number(claimed, 8));
  blobs.pop_back();
  const std::string ending =
      with_digest(head + std::string(kBundleDigestBytes, '\0'), blobs).substr(head.size());
  const fs::path file = e.file("huge");
  overwrite(file, head);
  fs::resize_file(file, last.begin + claimed);
  std::ofstream(file, std::ios::binary | std::ios::app) << ending;
  CHECK(verdict_of(file) == "ok");
  CHECK(verdict_of(file, {true, 0, {}}) == "wrong_blob_size");
  const auto again = export_bundle(*bundle_at(file), {e.file("again"), {}, true, {}});
  REQUIRE_FALSE(again.ok());
  CHECK_FALSE(fs::exists(e.file("again")));
}

TEST_CASE("bundle: what the commands tell of a ledger they tell of its bundle") {
  const Exported e;
  const fs::path bundle = e.file("ledger.bundle");
  const ProgramRun made = run_program(
      "gradmint", words("audit export --blobs --format json -o " + bundle.string(), e.ledger()));
  CAPTURE(made.errors);
  REQUIRE(made.status == 0);
  CHECK(made.output.find("gradmint/audit-export/1") != std::string::npos);
  CHECK(whole_file(bundle) == whole_file(e.bundle("same", true)));
  const std::string address = address_of(e.world.workers[0].account());
  const std::string id = to_hex(e.world.played.back().draft.block.transactions.front().id);
  for (const std::string& line :
       {std::string("audit verify --recompute"), std::string("audit contributions"),
        "audit explain " + address, std::string("audit show round 1"),
        std::string("audit show block 2"), "audit show tx " + id, "audit show worker " + address,
        std::string("model list"), "wallet balance " + address}) {
    CAPTURE(line);
    const ProgramRun of_directory = run_program("gradmint", words(line, e.ledger()));
    const ProgramRun of_bundle = run_program("gradmint", words(line, bundle));
    CAPTURE(of_bundle.errors);
    CHECK(of_directory.status == 0);
    CHECK(of_bundle.status == 0);
    CHECK(of_bundle.output == of_directory.output);
  }
}

TEST_CASE("bundle: an export that fails leaves no file") {
  const Exported e;
  const fs::path bundle = e.file("ledger.bundle");
  const auto exported = [&](const std::string& more) {
    return run_program("gradmint",
                       words("audit export " + more + " -o " + bundle.string(), e.ledger()));
  };
  const ProgramRun far = exported("--height 99");
  CHECK(far.status == 2);
  CHECK(far.errors.find("there is no block 99") != std::string::npos);
  fs::remove(BlobStore(e.ledger() / "blobs").path_of(e.world.genesis.task.model_root));
  const ProgramRun missing = exported("--blobs");
  CHECK(missing.status == 2);
  CHECK(missing.errors.find("without --blobs") != std::string::npos);
  CHECK_FALSE(fs::exists(bundle));
  for (const auto& entry : fs::directory_iterator(e.folder.path())) {
    CHECK(entry.path().filename().string().find("partial") == std::string::npos);
  }
  CHECK(exported("").status == 0);
}

TEST_CASE("reading child: however it ends, it is one error") {
  const Exported e;
  const auto error_of = [&](const std::vector<std::string>& command) {
    const auto reader = read_in_child(e.ledger(), command);
    REQUIRE_FALSE(reader.ok());
    return reader.error();
  };
  const Error aborted = error_of({"/bin/sh", "-c", "kill -ABRT $$"});
  CHECK(aborted.code == ErrorCode::corrupt);
  CHECK(aborted.message.find("its reader died of it (Aborted)") != std::string::npos);
  CHECK(aborted.message.find(e.ledger().string()) != std::string::npos);
  CHECK(error_of({"/bin/sh", "-c", "kill -SEGV $$"}).code == ErrorCode::corrupt);
  CHECK(error_of({"/bin/sh", "-c", "kill -KILL $$"}).code == ErrorCode::io);
  CHECK(error_of({"/bin/sh", "-c", "exit 3"}).message.find("status 3") != std::string::npos);
  // A length that no answer has, an answer of no form, and one that is cut off.
  for (const char* says : {"\\377\\377\\377\\377", "\\1\\0\\0\\0\\7", "\\2\\0\\0\\0\\1"}) {
    const std::string line = std::string("printf '") + says + "' >&3";
    CHECK(error_of({"/bin/sh", "-c", line}).code == ErrorCode::corrupt);
  }
  CHECK(error_of({"/nonexistent/program"}).message.find("cannot start") != std::string::npos);
}

TEST_CASE("reading child: it tells what the store tells") {
  const Exported e;
  const std::string program = std::string(GRADMINT_BIN_DIR) + "/gradmint";
  const auto child = read_in_child(e.ledger(), {program, "ledger-reader"});
  if (!child.ok()) FAIL(child.error().message);
  const auto store = open_reader(e.ledger());
  CHECK((*child)->genesis().value() == store->genesis().value());
  REQUIRE((*child)->tip().has_value());
  const std::uint64_t tip = store->tip()->height;
  CHECK((*child)->tip()->height == tip);
  for (const std::uint64_t height : {std::uint64_t{0}, std::uint64_t{1}, tip, std::uint64_t{2}}) {
    const auto told = (*child)->block(height).value(), kept = store->block(height).value();
    CHECK(told.header == kept.header);
    CHECK(told.transactions == kept.transactions);
    CHECK(told.certificate == kept.certificate);
    CHECK(told.receipts == kept.receipts);
  }
  CHECK((*child)->block(tip + 1).error().code == ErrorCode::not_found);
  const Hash account = e.world.workers[0].account();
  CHECK((*child)->heights_of(account).value() == store->heights_of(account).value());
  const Hash id = e.world.played.back().draft.block.transactions.front().id;
  CHECK((*child)->find_transaction(id).value() == store->find_transaction(id).value());
  CHECK_FALSE((*child)->find_transaction(hash_of("none")).value().has_value());
  CHECK((*child)->checkpoint().value().certificate == store->checkpoint().value().certificate);
  CHECK((*child)->compare_with_checkpoint().ok());
  std::map<std::string, Bytes> told, kept;
  const auto into = [](std::map<std::string, Bytes>& map) {
    return [&map](std::string_view key, ByteView value) {
      map[std::string(key)] = Bytes(value.begin(), value.end());
    };
  };
  CHECK((*child)->for_each_state(into(told)).ok());
  CHECK(store->for_each_state(into(kept)).ok());
  CHECK(told == kept);
}
