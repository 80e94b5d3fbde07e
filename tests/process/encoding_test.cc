// Encoded updates through a whole federation: `gradmint dev` runs it with a hostile worker, the
// ledger names the encoding, and the audit recomputes it from what travelled.
#include <doctest/doctest.h>

#include "tests/process/federation.h"

using namespace gradmint;
using namespace gradmint::test;
namespace fs = std::filesystem;

namespace {

struct Case {
  Words options;
  const char* name;     // in `audit show round`
  const char* kind;     // of an opening
  const char* refused;  // why the hostile worker's NaN is not taken
};

}  // namespace

TEST_CASE("encoded federations run, name their encoding, refuse what it has not, and recompute") {
  const auto data = data_or_skip();
  if (!data) return;
  const Case cases[] = {
      {{"--encoding", "int8"}, "int8", "int8", "malformed_payload"},
      {{"--encoding", "top_k", "--keep", "512"}, "top_k:keep=512", "top_k", "non_finite"},
  };
  for (const Case& each : cases) {
    CAPTURE(each.name);
    const Directory here;
    const fs::path home = here.path / "dev";
    Words words = {program("gradmint"),
                   "dev",
                   "--workers",
                   "3",
                   "--rounds",
                   "3",
                   "--data",
                   *data,
                   "--home",
                   home.string(),
                   "--seed",
                   "5",
                   "--adversary",
                   "3:nan@3"};
    words.insert(words.end(), each.options.begin(), each.options.end());
    const Ran ran = run(words, {}, 2 * kPatienceS);
    CAPTURE(ran.output);
    CAPTURE(ran.errors);
    REQUIRE(ran.status == 0);
    const std::string ledger = (home / "coordinator" / "ledger").string();
    const auto show = [&](const char* round) {
      return nlohmann::json::parse(run({program("gradmint"), "audit", "show", "round", round,
                                        "--format", "json", "--ledger", ledger})
                                       .output);
    };
    const auto second = show("2");
    CHECK(second["open"]["encoding"] == each.name);
    for (const auto& entry : second["result"]["entries"]) {
      CHECK(entry["verdict"] == "ok");
      CHECK(entry["opening"]["encoding"] == each.kind);
    }
    int refused = 0;
    const auto third = show("3");
    for (const auto& entry : third["result"]["entries"]) {
      if (entry["verdict"] == each.refused) ++refused;
    }
    CHECK(refused == 1);
    CHECK((ran.output + ran.errors).find("is refused: " + std::string(each.name) + ": ") !=
          std::string::npos);
    // What was lost in the last round waits on the worker's disk.
    int residuals = 0;
    for (const auto& entry : fs::recursive_directory_iterator(home)) {
      if (entry.path().parent_path().filename() == "residuals") ++residuals;
    }
    CHECK(residuals >= 2);
    const Ran verified =
        run({program("gradmint"), "audit", "verify", "--recompute", "--ledger", ledger});
    CAPTURE(verified.errors);
    CHECK(verified.status == 0);
  }
}
