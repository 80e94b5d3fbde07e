// A database whose every checksum holds and whose contents were made to harm: LevelDB may die of
// it, the audit does not.
#include <random>

#include "tests/ledger/leveldb_records.h"
#include "tests/ledger/program_run.h"
#include "tests/ledger/stored_world.h"

using namespace gradmint;
using namespace gradmint::test;
namespace fs = std::filesystem;

namespace {

// A ledger in tables, a log with something in it, and a manifest of several records.
struct Ledger {
  TemporaryDirectory folder;
  World world;
  Ledger() {
    world.enrol();
    world.run_round();
    store_world(world, path());
    for (int i = 0; i < 2; ++i) {
      const auto store = open_writer(path());  // recovery turns the log into a table
      require_ok(store->put_pending("reveal" + std::to_string(i), noise("pending", 300)));
    }
  }
  fs::path path() const { return folder.path() / "ledger"; }
};

struct Target {
  fs::path file;
  std::string whole;
  std::vector<Covered> parts;
};

std::vector<Target> targets_in(const fs::path& database) {
  std::vector<Target> targets;
  for (const auto& entry : fs::directory_iterator(database)) {
    const std::string name = entry.path().filename().string();
    const bool manifest = name.starts_with("MANIFEST");
    if (!manifest && !name.ends_with(".log") && !name.ends_with(".ldb")) continue;
    Target target{entry.path(), whole_file(entry.path()), {}};
    target.parts = covered_parts(entry.path(), target.whole);
    for (const Covered& part : target.parts) {  // read as LevelDB reads it
      std::string same = target.whole;
      fix_checksum(same, part);
      REQUIRE(same == target.whole);
    }
    if (!target.parts.empty()) targets.push_back(std::move(target));
  }
  std::ranges::sort(targets, {}, &Target::file);
  return targets;
}

// Bytes set, counts and lengths blown up, the tail of a block (its restarts) overwritten.
void mutate(std::string& file, const Covered& part, std::mt19937_64& random) {
  const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  const std::size_t end = part.begin + part.size;
  switch (random() % 4) {
    case 0:
      for (std::size_t i = 0; i <= below(4); ++i) {
        file[part.begin + below(part.size)] = static_cast<char>(random());
      }
      break;
    case 1: {
      const std::size_t at = part.begin + below(part.size);
      for (std::size_t i = at; i < std::min(end, at + 1 + below(9)); ++i) file[i] = '\xFF';
      break;
    }
    case 2:
      for (std::size_t i = 1; i <= std::min<std::size_t>(part.size, 1 + below(6)); ++i) {
        file[end - i] = static_cast<char>(random() % 3 == 0 ? random() : random() % 2 * 255);
      }
      break;
    default:
      for (std::size_t i = 0; i < std::min<std::size_t>(part.size, 1 + below(24)); ++i) {
        if (random() % 2 == 0) file[part.begin + i] = static_cast<char>(random());
      }
  }
  fix_checksum(file, part);
}

void write_file(const fs::path& file, const std::string& bytes) {
  std::ofstream(file, std::ios::binary | std::ios::trunc) << bytes;
}

}  // namespace

TEST_CASE("hostile store: checksums hold, contents harm, and the audit says so") {
  const Ledger ledger;
  const std::vector<Target> targets = targets_in(ledger.path() / "db");
  REQUIRE(targets.size() >= 3);
  const std::vector<std::string> verify = {"audit", "verify", "--ledger", ledger.path().string()};
  REQUIRE(run_program("gradmint", verify).status == 0);
  std::mt19937_64 random(20250607);
  int died = 0, held = 0, told = 0;
  for (int i = 0; i < 200; ++i) {
    const Target& target = targets[random() % targets.size()];
    std::string bytes = target.whole;
    mutate(bytes, target.parts[random() % target.parts.size()], random);
    write_file(target.file, bytes);
    const ProgramRun ran = run_program("gradmint", verify);
    CAPTURE(i);
    CAPTURE(target.file.filename().string());
    CAPTURE(ran.status);
    CAPTURE(ran.output);
    CAPTURE(ran.errors);
    CHECK((ran.status >= 0 && ran.status <= 2));
    const auto lines = std::count(ran.errors.begin(), ran.errors.end(), '\n');
    CHECK(lines == (ran.status == 2 ? 1 : 0));
    CHECK((ran.output.find("FAULT") != std::string::npos) == (ran.status == 1));
    died += ran.output.find("its reader died") != std::string::npos ? 1 : 0;
    held += ran.status == 0 ? 1 : 0;
    told += ran.status != 0 ? 1 : 0;
    write_file(target.file, target.whole);
  }
  CHECK(told > 0);
  MESSAGE(told << " told, of which " << died << " killed the reader; " << held
               << " changed nothing that matters");
  CHECK(run_program("gradmint", verify).status == 0);
}
