#include "coordinator/server/best_model.h"

#include <doctest/doctest.h>

#include <fstream>

#include "ledger/blobs.h"
#include "ledger/durable_file.h"
#include "ledger/model/safetensors.h"
#include "ledger/regular_file.h"
#include "tests/ledger/store_fixture.h"

using namespace gradmint;
using namespace gradmint::test;
namespace fs = std::filesystem;

namespace {

struct BestPlace {
  TemporaryDirectory folder;
  Home home{folder.path()};
  ModelLayout layout = ModelLayout::create({{"w", {2}, false}}).value();
  TaskSpec task;

  BestPlace() {
    const std::string text = layout.encode();
    task.layout_root = BlobStore(home.blobs()).put(as_bytes(text)).value();
  }
  std::shared_ptr<const CheckpointWriter> checkpoints() const {
    return std::make_shared<CheckpointWriter>(CheckpointWriter::open(home, task).value());
  }
  RoundRecord settled(std::uint64_t round, std::int64_t micro) const {
    const std::vector<float> model = {static_cast<float>(round), 0};
    RoundRecord record;
    record.round = round;
    record.phase = RoundPhase::settled;
    record.result.model_root =
        BlobStore(home.blobs())
            .put({reinterpret_cast<const std::uint8_t*>(model.data()), 2 * sizeof(float)})
            .value();
    record.metrics = {{"auc", 1, micro, micro}};
    return record;
  }
  std::string round_of_best() const {
    const auto bytes = read_file(home.checkpoints() / "best.safetensors", 1 << 20);
    REQUIRE(bytes.ok());
    return parse_safetensors(*bytes).value().metadata.at("gradmint.round");
  }
};

}  // namespace

TEST_CASE("a best model whose file cannot be written stays the best, and is written once it can") {
  const BestPlace place;
  const fs::path in_the_way = place.home.checkpoints() / "best.safetensors" / "something";
  fs::create_directories(in_the_way);
  BestModel best({"auc", false}, place.checkpoints());
  CHECK_FALSE(best.settled(place.settled(1, 900'000)).ok());
  CHECK_FALSE(best.settled(place.settled(2, 500'000)).ok());
  fs::remove_all(in_the_way.parent_path());
  CHECK(best.settled(place.settled(3, 600'000)).value());
  CHECK(place.round_of_best() == "1");
  REQUIRE(best.standing().has_value());
  CHECK(best.standing()->round == 1);
  CHECK_FALSE(best.settled(place.settled(4, 600'000)).value());
  CHECK(best.settled(place.settled(5, 950'000)).value());
  CHECK(place.round_of_best() == "5");
}

TEST_CASE("the best model's file is the ledger's model, whatever lies under the round's name") {
  const BestPlace place;
  const auto checkpoints = place.checkpoints();
  const std::vector<float> model = {2, 0};
  fs::create_directories(place.home.checkpoints());
  std::ofstream(place.home.checkpoints() / "round-000001.safetensors") << "another history's";
  BestModel best({"auc", false}, checkpoints);
  CHECK(best.settled(place.settled(1, 500'000)).value());
  CHECK(place.round_of_best() == "1");
  REQUIRE(checkpoints->write(2, model).ok());
  CHECK(best.settled(place.settled(2, 600'000)).value());
  CHECK(place.round_of_best() == "2");
  CHECK(fs::hard_link_count(place.home.checkpoints() / "best.safetensors") == 2);
}
