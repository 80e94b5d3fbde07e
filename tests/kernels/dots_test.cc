// Dot products, norms, distances and cosine scores: byte for byte against the reference on every
// backend, and against float64 mathematics to a bound.
#include "kernels/dots.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "kernels/distances.h"
#include "tests/kernels/backends.h"
#include "tests/kernels/reference.h"
#include "tests/kernels/samples.h"

using namespace gradmint;
using namespace gradmint::test;

namespace {

std::vector<kernels::Row> views(const Updates& updates) { return {updates.begin(), updates.end()}; }

// Close pairs and copies among the updates, so that distances are taken anew from differences.
void bring_close(Updates& updates) {
  if (updates.size() < 4) return;
  updates[1] = updates[0];
  updates[2] = updates[0];
  for (std::size_t c = 0; c < updates[2].size(); c += 3) {
    updates[2][c] = std::nextafter(updates[2][c], 0.0f);
  }
}

}  // namespace

TEST_CASE("Gram matrix, squared norms and distances give the reference's bytes") {
  const auto all = backends();
  int compared = 0;
  for (const Kind kind : kAllKinds) {
    for (const std::size_t size : {0u, 1u, 3u, 4095u, 4096u, 4097u, 13000u}) {
      CAPTURE(name_of(kind));
      CAPTURE(size);
      Updates updates = sample_updates(kind, 5, size, 3 + size);
      bring_close(updates);
      std::vector<double> gram;
      std::vector<double> squares;
      std::vector<double> distances;
      for (std::size_t i = 0; i < updates.size(); ++i) {
        squares.push_back(reference_dot(updates[i], updates[i]));
        for (std::size_t j = 0; j < updates.size(); ++j) {
          gram.push_back(reference_dot(updates[i], updates[j]));
          distances.push_back(i == j ? 0.0 : reference_distance(updates[i], updates[j]));
        }
      }
      for (const auto& backend : all) {
        CAPTURE(backend->name());
        const auto got = kernels::gram_matrix(views(updates), *backend);
        REQUIRE(got.ok());
        CHECK(same_bytes(got->values, gram));
        CHECK(same_bytes(backend->dots(views(updates), true).value(), squares));
        CHECK(same_bytes(
            kernels::squared_distances(*got, views(updates), {}, *backend).value().values,
            distances));
        ++compared;
      }
    }
  }
  std::printf("dots: %d comparisons\n", compared);
}

TEST_CASE("the largest integers that a block can hold are summed exactly") {
  const float most = 16383.0f / 16384.0f;
  Updates updates(7, std::vector<float>(4096, most));
  for (std::size_t i = 1; i < updates.size(); i += 2) updates[i].assign(4096, -most);
  for (std::size_t c = 0; c < 4096; c += 2) updates[6][c] = -most;
  for (const auto& backend : backends()) {
    CAPTURE(backend->name());
    const auto gram = kernels::gram_matrix(views(updates), *backend).value();
    for (std::size_t i = 0; i < updates.size(); ++i) {
      for (std::size_t j = 0; j < updates.size(); ++j) {
        CHECK(gram.at(i, j) == reference_dot(updates[i], updates[j]));
      }
    }
  }
}

TEST_CASE("many blocks: chunks and threads keep one summation tree") {
  Updates updates = sample_updates(Kind::ordinary, 2, 4096 * 131 + 5, 17);
  const double expected = reference_dot(updates[0], updates[1]);
  const double apart = reference_difference(updates[0], updates[1]);
  for (const auto& backend : backends()) {
    CAPTURE(backend->name());
    CHECK(kernels::gram_matrix(views(updates), *backend).value().at(0, 1) == expected);
    CHECK(
        backend->difference(kernels::Row(updates[0]), 1.0, kernels::Row(updates[1]), 1.0).value() ==
        apart);
  }
}

TEST_CASE("a sum in the tree does not depend on how it was cut into subtrees") {
  Sequence sequence(5);
  for (std::size_t count = 1; count <= 70; ++count) {
    std::vector<double> values(count);
    for (double& x : values) x = static_cast<double>(any_float(sequence, 100, 130));
    kernels::TreeSum whole(1);
    kernels::TreeSum of_chunks(1);
    kernels::TreeSum chunk(1);
    for (std::size_t i = 0; i < count; ++i) {
      whole.add({values[i]});
      chunk.add({values[i]});
      if (i % 8 == 7 || i + 1 == count) {
        of_chunks.add(chunk.total());
        chunk = kernels::TreeSum(1);
      }
    }
    CHECK(whole.total() == of_chunks.total());
  }
  CHECK(kernels::TreeSum(2).total() == std::vector<double>{0, 0});
}

TEST_CASE("dot products are float64 mathematics to a bound") {
  // Each value is off by at most half a unit of its block's scale, 2^-14 of the block's largest.
  for (const Kind kind : {Kind::ordinary, Kind::ties, Kind::equal}) {
    Updates updates = sample_updates(kind, 2, 100001, 19);
    long double exact = 0;
    for (const float x : updates[0]) {
      exact += static_cast<long double>(x) * static_cast<long double>(x);
    }
    for (const auto& backend : backends()) {
      const double norm = std::sqrt(backend->dots(views(updates), true).value()[0]);
      CHECK(norm == doctest::Approx(static_cast<double>(std::sqrt(exact))).epsilon(1e-4));
    }
  }
}

TEST_CASE("an update that is not finite has no norm") {
  Updates updates = sample_updates(Kind::ordinary, 3, 5000, 23);
  updates[2][4999] = -INFINITY;
  for (const auto& backend : backends()) {
    CHECK_FALSE(backend->dots(views(updates), true).ok());
    CHECK_FALSE(kernels::gram_matrix(views(updates), *backend).ok());
  }
  updates[2].pop_back();
  for (const auto& backend : backends()) {
    const auto refused = kernels::gram_matrix(views(updates), *backend);
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().message.find("update 2 has 4999 values") != std::string::npos);
  }
}

TEST_CASE("clip factors") {
  const std::vector<double> norms = {0.0, 1.0, 1.5, 3.0, 1e300};
  const auto factors = kernels::clip_factors(norms, 1.5f);
  CHECK(factors == std::vector<double>{1.0, 1.0, 1.0, 0.5, 1.5 / 1e300});
}

TEST_CASE("cosine scores to the sum of the others") {
  struct Case {
    const char* what;
    Updates updates;
    std::vector<double> coefficients;
    std::vector<std::uint32_t> ppm;
  };
  const Case cases[] = {
      {"none", {}, {}, {}},
      {"alone: nobody to compare with", {{1, 2}}, {5}, {0}},
      {"two alike", {{1, 2}, {2, 4}}, {1, 1}, {1000000, 1000000}},
      {"opposed: floored at zero", {{1, 0}, {-1, 0}}, {1, 1}, {0, 0}},
      {"at right angles", {{1, 0}, {0, 1}}, {1, 1}, {0, 0}},
      {"zero update, zero others", {{0, 0}, {1, 1}}, {1, 1}, {0, 0}},
      {"45 degrees", {{1, 1}, {1, 0}, {1, 0}}, {1, 1, 1}, {707107, 894427, 894427}},
      {"weights count", {{1, 0}, {1, 0}, {0, 1}}, {1, 1, 3}, {316228, 316228, 0}},
      {"left out, but scored", {{1, 0}, {1, 0}, {-1, 0}}, {1, 1, 0}, {1000000, 1000000, 0}},
      {"only oneself left in", {{1, 0}, {1, 0}}, {1, 0}, {0, 1000000}},
  };
  for (const auto& backend : backends()) {
    for (const Case& each : cases) {
      CAPTURE(each.what);
      const auto gram = kernels::gram_matrix(views(each.updates), *backend).value();
      CHECK(kernels::cosine_scores_ppm(gram, each.coefficients) == each.ppm);
    }
  }
}

TEST_CASE("cosine scores are float64 mathematics to a few parts per million") {
  Updates updates = sample_updates(Kind::ordinary, 9, 20011, 29);
  for (std::size_t i = 1; i < 9; ++i) {
    for (std::size_t c = 0; c < 20011; ++c) updates[i][c] += updates[0][c];
  }
  std::vector<double> coefficients;
  for (std::size_t i = 0; i < 9; ++i) coefficients.push_back(1.0 + static_cast<double>(i));
  std::vector<std::vector<std::uint32_t>> scores;
  for (const auto& backend : backends()) {
    scores.push_back(kernels::cosine_scores_ppm(
        kernels::gram_matrix(views(updates), *backend).value(), coefficients));
  }
  for (std::size_t i = 0; i < 9; ++i) {
    double towards = 0;
    double own = 0;
    double others = 0;
    for (std::size_t c = 0; c < 20011; ++c) {
      double sum = 0;
      for (std::size_t j = 0; j < 9; ++j) {
        if (j != i) sum += coefficients[j] * static_cast<double>(updates[j][c]);
      }
      towards += sum * static_cast<double>(updates[i][c]);
      own += static_cast<double>(updates[i][c]) * static_cast<double>(updates[i][c]);
      others += sum * sum;
    }
    const double ppm = 1e6 * towards / std::sqrt(own) / std::sqrt(others);
    for (const auto& each : scores) {
      CHECK(std::fabs(static_cast<double>(each[i]) - std::max(0.0, ppm)) < 20);
    }
  }
}
