// A library in the process may have switched denormals off: no byte may change.
#include <doctest/doctest.h>
#include <immintrin.h>

#include "kernels/aggregate.h"
#include "kernels/distances.h"
#include "kernels/dots.h"
#include "kernels/parallel.h"
#include "kernels/scan.h"
#include "tests/kernels/backends.h"
#include "tests/kernels/samples.h"

using namespace gradmint;
using namespace gradmint::test;

namespace {

// Flush-to-zero, denormals-are-zero and rounding towards zero, as a hostile neighbour would leave
// them.
class SpoiledFloats {
 public:
  SpoiledFloats() : saved_(_mm_getcsr()) { _mm_setcsr(saved_ | 0x8040u | 0x6000u); }
  ~SpoiledFloats() { _mm_setcsr(saved_); }
  SpoiledFloats(const SpoiledFloats&) = delete;
  SpoiledFloats& operator=(const SpoiledFloats&) = delete;

 private:
  unsigned saved_;
};

}  // namespace

TEST_CASE("flush-to-zero set by others changes nothing, and is left as it was") {
  for (const auto& backend : backends()) {
    for (const Kind kind : {Kind::denormal, Kind::wide}) {
      for (const char* aggregator : {"mean", "median"}) {
        kernels::AggregateSpec spec;
        spec.aggregator.name = aggregator;
        spec.optimizer.name = "nesterov";
        spec.pre = {{"clip", {{"tau", 1e-38f}}}};
        Sample sample;
        sample.updates = sample_updates(kind, 6, 9001, 51);
        prepare(sample, spec, 53);
        const auto clean = kernels::aggregate(spec, sample.input, *backend).value();
        const auto gram = kernels::gram_matrix(sample.input.updates, *backend).value();
        const auto far =
            kernels::squared_distances(gram, sample.input.updates, {}, *backend).value();
        const SpoiledFloats spoiled;
        const unsigned before = _mm_getcsr();
        const auto again = kernels::aggregate(spec, sample.input, *backend).value();
        CHECK(same_bytes(again.model, clean.model));
        CHECK(same_bytes(again.delta, clean.delta));
        CHECK(same_bytes(again.optimizer_state, clean.optimizer_state));
        CHECK(same_bytes(again.clip_factors, clean.clip_factors));
        CHECK(same_bytes(kernels::gram_matrix(sample.input.updates, *backend).value().values,
                         gram.values));
        CHECK(same_bytes(
            kernels::squared_distances(gram, sample.input.updates, {}, *backend).value().values,
            far.values));
        CHECK((_mm_getcsr() & ~0x3fu) == (before & ~0x3fu));
      }
    }
  }
}

TEST_CASE("tasks are each done once on any number of threads") {
  for (const int threads : {1, 2, 3, 8}) {
    for (const std::size_t tasks : {0u, 1u, 2u, 7u, 1000u}) {
      std::vector<int> done(tasks, 0);
      kernels::parallel_for(threads, tasks, [&](std::size_t task, int worker) {
        REQUIRE(worker < threads);
        ++done[task];
      });
      CHECK(done == std::vector<int>(tasks, 1));
    }
  }
}
