// A ledger as a stranger's file: opened and audited as `gradmint audit verify --recompute` does.
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "kernels/base/check.h"
#include "ledger/audit/export.h"
#include "ledger/audit/verify.h"
#include "ledger/bundle/bundle_format.h"
#include "ledger/hash.h"
#include "tests/fuzz/target.h"
#include "tests/ledger/stored_world.h"

namespace gradmint::fuzz {
namespace {

namespace fs = std::filesystem;

// A folder of this process, gone at its end.
class Folder {
 public:
  Folder() {
    std::string name = (fs::temp_directory_path() / "gradmint-fuzz-XXXXXX").string();
    GRADMINT_CHECK(mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~Folder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  fs::path file(const char* name) const { return path_ / name; }

 private:
  fs::path path_;
};
const Folder& folder() {
  static const Folder one;
  return one;
}

void write(const fs::path& file, ByteView bytes) {
  std::ofstream out(file, std::ios::binary | std::ios::trunc);
  out.write(reinterpret_cast<const char*>(bytes.data()),
            static_cast<std::streamsize>(bytes.size()));
  GRADMINT_CHECK(static_cast<bool>(out.flush()));
}

void audit(ByteView bundle) {
  const fs::path file = folder().file("bundle");
  write(file, bundle);
  const auto source = open_ledger_source(file, {});
  if (!source.ok()) return;
  AuditOptions options;
  options.recompute = source->blob_count.value_or(0) > 0;
  const auto report = verify_ledger(source, options);
  if (!report.ok() || report->fault) return;
  // What holds has one form: exporting it gives the same file.
  const fs::path again = folder().file("again");
  ExportOptions same;
  same.output = again;
  same.blobs = options.recompute;
  if (!export_bundle(*source, same).ok()) return;
  std::ifstream in(again, std::ios::binary);
  const Bytes copy(std::istreambuf_iterator<char>(in), {});
  GRADMINT_CHECK(std::equal(copy.begin(), copy.end(), bundle.begin(), bundle.end()));
}

// As it is; and with a digest that holds, which nobody finds by chance (it covers all that comes
// before where there are no blobs).
void run(ByteView input) {
  audit(input);
  if (input.size() < kBundleDigestBytes) return;
  Bytes sealed(input.begin(), input.end());
  const Hash digest = sha256(input.first(input.size() - kBundleDigestBytes));
  std::copy(digest.bytes.begin(), digest.bytes.end(), sealed.end() - kBundleDigestBytes);
  audit(sealed);
}

std::vector<Bytes> seeds() {
  test::World world;
  world.enrol();
  world.run_round();
  const fs::path ledger = folder().file("ledger");
  fs::remove_all(ledger);
  test::store_world(world, ledger);
  std::vector<Bytes> out;
  for (const bool blobs : {false, true}) {
    for (const std::uint64_t height : {std::uint64_t{0}, std::uint64_t{2}}) {
      ExportOptions options;
      options.output = folder().file("seed");
      options.blobs = blobs;
      options.height = height;
      const auto source = test::source_at(ledger);
      GRADMINT_CHECK(source.ok() && export_bundle(*source, options).ok());
      std::ifstream in(options.output, std::ios::binary);
      out.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
    }
  }
  return out;
}

}  // namespace

Target bundle_target() { return {"bundle", run, seeds}; }

}  // namespace gradmint::fuzz
