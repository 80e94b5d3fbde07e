// Known answers (aggregation.json) and golden fingerprints. The file is read with a few lines of
// our own: the kernels and their tests build where no package is installed.
#include <doctest/doctest.h>

#include <cstdio>
#include <fstream>
#include <sstream>
#include <string>

#include "kernels/aggregate.h"
#include "kernels/fixed_point.h"
#include "tests/kernels/backends.h"
#include "tests/kernels/samples.h"
#include "tests/support/paths.h"

using namespace gradmint;
using namespace gradmint::test;

namespace {

// All numbers of the array (of arrays) that follows `"key":` after `section`.
std::vector<float> numbers(const std::string& text, const std::string& section,
                           const std::string& key) {
  std::vector<float> values;
  const std::size_t from = text.find("\"" + section + "\"");
  std::size_t at = from == std::string::npos ? from : text.find("\"" + key + "\":", from);
  if (at == std::string::npos) return values;
  at += key.size() + 3;
  int depth = 0;
  for (; at < text.size(); ++at) {
    if (text[at] == '[') ++depth;
    if (text[at] == ']' && --depth == 0) break;
    if (text[at] == '-' || (text[at] >= '0' && text[at] <= '9')) {
      std::size_t used = 0;
      values.push_back(std::stof(text.substr(at, 40), &used));
      at += used - 1;
    }
  }
  return values;
}

}  // namespace

TEST_CASE("known answers: average and median") {
  std::ifstream file(vectors_dir() / "aggregation.json");
  std::stringstream text;
  text << file.rdbuf();
  const auto values = numbers(text.str(), "byzfl", "X");
  int cases = 0;
  if (values.size() == 9) {
    Sample sample;
    for (std::size_t i = 0; i < 9; i += 3) {
      sample.updates.push_back({values[i], values[i + 1], values[i + 2]});
    }
    for (const auto& [aggregator, key] :
         {std::pair{"mean", "average"}, std::pair{"median", "median"}}) {
      kernels::AggregateSpec spec;
      spec.aggregator.name = aggregator;
      prepare(sample, spec, 1);
      sample.input.weights = {1, 1, 1};
      for (const auto& backend : backends()) {
        CHECK(kernels::aggregate(spec, sample.input, *backend).value().delta ==
              numbers(text.str(), "byzfl", key));
        ++cases;
      }
    }
  }
  if (values.size() != 9) {
    std::printf("KNOWN ANSWERS NOT RUN: no usable %s\n",
                (vectors_dir() / "aggregation.json").c_str());
  }
  std::printf("known answers: aggregation.json, %d cases\n", cases);
}

TEST_CASE("golden fingerprints, the same for every machine and compiler") {
  struct Case {
    const char* aggregator;
    const char* optimizer;
    bool clip;
    std::size_t n;
    std::uint64_t golden;
  };
  const Case cases[] = {
      {"mean", "plain", false, 16, 0x6a18eafdc1a38305ULL},
      {"mean", "nesterov", true, 7, 0x9c6c3f558bb19b3bULL},
      {"median", "plain", false, 16, 0x2bf4f77f5097b4a6ULL},
      {"median", "nesterov", true, 33, 0x247d5d9e083fb13bULL},
      {"median", "plain", false, 101, 0x20c42ff98304eb3bULL},
  };
  for (const auto& backend : backends()) {
    for (const Case& each : cases) {
      kernels::AggregateSpec spec;
      spec.aggregator.name = each.aggregator;
      spec.optimizer = {each.optimizer, {{"lr", 0.3f}}};
      if (each.clip) spec.pre = {{"clip", {{"tau", 20.0f}}}};
      Sample sample;
      sample.updates = sample_updates(Kind::ordinary, each.n, 9001, each.n);
      prepare(sample, spec, 99);
      const auto got = kernels::aggregate(spec, sample.input, *backend).value();
      const std::uint64_t hash = fingerprint(got.optimizer_state, fingerprint(got.model));
      CAPTURE(std::string(each.aggregator));
      CAPTURE(each.n);
      CHECK(hash == each.golden);
    }
  }
}
