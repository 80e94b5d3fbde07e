#include <doctest/doctest.h>

#include "tests/fuzz/corpus.h"

TEST_CASE("fuzz targets, decoders: seeds, corpus and their mutations") {
  REQUIRE_FALSE(gradmint::fuzz::decoder_targets().empty());
  gradmint::fuzz::run_corpus(gradmint::fuzz::decoder_targets());
}
