#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>

#include "worker/data/dataset.h"
#include "worker/seeded.h"

using namespace gradmint;

namespace {

Dataset sample(std::uint32_t rows, Task task) {
  Dataset data;
  data.name = "sample";
  data.task = task;
  data.sample_shape = {1};
  for (int c = 0; c < 10; ++c) data.classes.push_back(std::to_string(c));
  for (std::uint32_t i = 0; i < rows; ++i) {
    data.features.push_back(static_cast<float>(i));
    if (task == Task::classification)
      data.labels.push_back(static_cast<std::int32_t>(i * 7 % 10));
    else
      data.targets.push_back(static_cast<float>(i * 7 % 10));
  }
  return data;
}

std::vector<std::uint32_t> all_rows(std::uint32_t rows) {
  std::vector<std::uint32_t> pool(rows);
  std::iota(pool.begin(), pool.end(), 0U);
  return pool;
}

}  // namespace

TEST_CASE("every row lands in exactly one shard, and none is empty while there are rows enough") {
  for (const Task task : {Task::classification, Task::regression})
    for (const std::uint32_t rows : {1U, 4U, 5U, 50U, 333U})
      for (const std::uint32_t shards : {1U, 2U, 5U, 40U})
        for (const double alpha : {0.0, 0.001, 0.1, 1.0, 100.0})
          for (std::uint64_t seed = 0; seed < 5; ++seed) {
            const Dataset data = sample(rows, task);
            const auto parts = dirichlet_shards(data, all_rows(rows), shards, alpha, seed);
            CHECK(parts == dirichlet_shards(data, all_rows(rows), shards, alpha, seed));
            std::vector<std::uint32_t> together;
            std::size_t empty = 0;
            for (const auto& part : parts) {
              together.insert(together.end(), part.begin(), part.end());
              empty += part.empty() ? 1 : 0;
            }
            std::sort(together.begin(), together.end());
            CHECK(together == all_rows(rows));
            CHECK(empty == (rows < shards ? shards - rows : 0));
          }
}

TEST_CASE("a smaller alpha is less even") {
  const Dataset data = sample(2000, Task::classification);
  const auto spread = [&](double alpha) {
    double total = 0;
    for (std::uint64_t seed = 0; seed < 20; ++seed)
      for (const auto& part : dirichlet_shards(data, all_rows(2000), 5, alpha, seed)) {
        std::vector<double> counts(10);
        for (const std::uint32_t row : part)
          counts[static_cast<std::size_t>(data.labels[row])] += 1;
        for (const double count : counts) total += (count - 40) * (count - 40);
      }
    return total;
  };
  CHECK(spread(0.1) > 2 * spread(1.0));
  CHECK(spread(1.0) > 2 * spread(10.0));
  CHECK(spread(0.0) == 0);
}

TEST_CASE("the split is the same for a seed, a fifth by default, and follows a convention") {
  Dataset data = sample(2000, Task::classification);
  const auto split = split_holdout(data, 3);
  REQUIRE(split.ok());
  CHECK(split->train.size() + split->holdout.size() == 2000);
  CHECK(split->holdout.size() > 340);
  CHECK(split->holdout.size() < 460);
  CHECK(split_holdout(data, 3)->holdout == split->holdout);
  CHECK(split_holdout(data, 4)->holdout != split->holdout);
  data.fixed_holdout_from = 1600;
  CHECK(split_holdout(data, 3)->train == all_rows(1600));
  CHECK(!split_holdout(sample(1, Task::classification), 3).ok());
  CHECK(!split_holdout(sample(0, Task::regression), 3).ok());
}

TEST_CASE("shards are named I/N") {
  CHECK(parse_shard("2/5")->index == 1);
  CHECK(parse_shard("4095/4095")->count == 4095);
  for (const char* bad :
       {"", "0/5", "6/5", "1", "1/", "/5", "a/b", "1/5x", "-1/5", "1/4096", "1 /5"})
    CHECK_MESSAGE(!parse_shard(bad).ok(), bad);
}

TEST_CASE("the seeded generator: golden, and the moments it should have") {
  Seeded draw(42);
  CHECK(draw.next() == 13679457532755275413ULL);
  double sum = 0;
  double squares = 0;
  double gammas = 0;
  constexpr int kDraws = 20000;
  for (int i = 0; i < kDraws; ++i) {
    const double x = draw.normal();
    sum += x;
    squares += x * x;
    gammas += draw.gamma(0.5);
  }
  CHECK(sum / kDraws == doctest::Approx(0).scale(1).epsilon(0.03));
  CHECK(squares / kDraws == doctest::Approx(1).epsilon(0.03));
  CHECK(gammas / kDraws == doctest::Approx(0.5).epsilon(0.05));
}
