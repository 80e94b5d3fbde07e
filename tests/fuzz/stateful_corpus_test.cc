#include <doctest/doctest.h>

#include "tests/fuzz/corpus.h"

TEST_CASE("fuzz targets, stateful: seeds, corpus and their mutations") {
  REQUIRE_FALSE(gradmint::fuzz::stateful_targets().empty());
  gradmint::fuzz::run_corpus(gradmint::fuzz::stateful_targets());
}
