// Running statistics beside weights: averaged, or the median, and no part of what a rule measures.
#include <doctest/doctest.h>

#include "tests/aggregate/files.h"

using namespace gradmint;
using namespace gradmint::test;
namespace fs = std::filesystem;

namespace {

// Five files whose weights agree but for the last one's, and whose statistics do not.
Words five_files(const fs::path& folder, const std::string& statistic, const std::string& dtype) {
  Words files;
  for (int k = 0; k < 5; ++k) {
    const float w = k == 4 ? -8.0F : 1.0F + static_cast<float>(k) / 16.0F;
    const float mean = 256.0F * static_cast<float>(k * k);
    const fs::path file = folder / ("f" + std::to_string(k));
    std::vector<Tensor> tensors{narrow(dtype, statistic, {2}, {mean, 2 * mean}),
                                narrow(dtype, "fc.weight", {300}, std::vector<float>(300, w)),
                                narrow(dtype, "fc.bias", {2}, {w, w}),
                                narrow(dtype, "a", {2}, {w, w})};
    write_tensors_to(file, tensors);
    files.push_back(file.string());
  }
  return files;
}

Ran aggregate_into(const fs::path& out, Words words, const Words& more) {
  words.insert(words.end(), more.begin(), more.end());
  words.insert(words.end(), {"-o", out.string()});
  return aggregate(words);
}

}  // namespace

TEST_CASE("buffers: mean and median, and krum sees the weights alone") {
  for (const char* dtype : {"BF16", "F16"}) {
    const Directory here;
    const fs::path out = here.path / "out";
    const Words files = five_files(here.path, "bn.running_mean", dtype);
    Ran ran = aggregate_into(out, files, {"--weights", "1,1,1,1,4"});
    REQUIRE_MESSAGE(ran.status == 0, ran.errors);
    const float mean = 256.0F * (0 + 1 + 4 + 9 + 4 * 16) / 8;
    CHECK(read_floats(out, "bn.running_mean") == std::vector<float>{mean, 2 * mean});
    CHECK(ran.output.find("306 values in 4 tensors, 2 of them in buffers, on cpu") !=
          std::string::npos);

    ran = aggregate_into(out, files, {"--aggregator", "krum:f=1", "--format", "json"});
    REQUIRE_MESSAGE(ran.status == 0, ran.errors);
    const float chosen = read_floats(out, "fc.bias").at(0);  // two are equally near the others
    CHECK((chosen == 1.0625F || chosen == 1.125F));
    CHECK(read_floats(out, "bn.running_mean") == std::vector<float>{1024, 2048});
    CHECK(ran.output.find("\"buffers\":2") != std::string::npos);
    CHECK(ran.output.find("\"warnings\":[]") != std::string::npos);
  }
}

TEST_CASE("buffers of other names: --buffers, and a warning without") {
  const Directory here;
  const fs::path out = here.path / "out";
  Words files = five_files(here.path, "norm.moving_avg", "BF16");
  for (std::string& file : files) {  // in fp32, and the largest statistics first
    const auto read = [&](const char* name) { return read_floats(file, name); };
    CHECK(aggregate({file, "-o", out.string()}).status == 0);
    fs::rename(out, file);
    CHECK(read("a").size() == 2);
  }
  std::swap(files.front(), files.back());
  const Words krum{"--aggregator", "krum:f=1"};
  Ran ran = aggregate_into(out, files, krum);
  CHECK(ran.status == 0);
  CHECK(ran.errors.find("warning: ") != std::string::npos);
  CHECK(ran.errors.find("lies in 2 of 306 parameters (norm.moving_avg)") != std::string::npos);
  Words marked = krum;
  marked.insert(marked.end(), {"--buffers", "*.moving_avg"});
  ran = aggregate_into(out, files, marked);
  CHECK(ran.status == 0);
  CHECK(ran.errors.empty());
  CHECK(read_floats(out, "norm.moving_avg") == std::vector<float>{1024, 2048});
  ran = aggregate_into(out, files, {"--buffers", "moving_avg"});
  CHECK(ran.status == 2);
  CHECK(ran.errors.find("no floating tensor of the model is named 'moving_avg'") !=
        std::string::npos);
}

TEST_CASE("buffers: an optimizer keeps no moments of them") {
  const Directory here;
  const fs::path out = here.path / "out", state = here.path / "state";
  const Words files = five_files(here.path, "running_var", "F16");
  const Words adam{"--optimizer", "adam",   "--lr",        "0.5",
                   "--model",     files[0], "--state-out", state.string()};
  Ran ran = aggregate_into(out, files, adam);
  REQUIRE_MESSAGE(ran.status == 0, ran.errors);
  CHECK(read_floats(state, "first.a").size() == 2);
  CHECK(read_text(state).find("running_var") == std::string::npos);
  const float mean = 256.0F * 30 / 5;  // on top of the model's, which are zeros
  CHECK(read_floats(out, "running_var") == std::vector<float>{mean, 2 * mean});
  Words again = adam;
  again.insert(again.end(), {"--state", state.string()});
  again[7] = (here.path / "state2").string();
  ran = aggregate_into(out, files, again);
  CHECK_MESSAGE(ran.status == 0, ran.errors);
}

TEST_CASE("buffers: a tensor that is lost beside a larger one is told") {
  const Directory here;
  const fs::path out = here.path / "out";
  Words files;
  for (const char* name : {"a", "b", "c"}) {
    files.push_back((here.path / name).string());
    write_tensors_to(files.back(),
                     {floats("bn.running_mean", {1}, {0.001F}),
                      floats("bn.running_var", {1}, {1e18F}), floats("w", {1}, {1.0F})});
  }
  const Ran ran = aggregate_into(out, files, {});
  REQUIRE_MESSAGE(ran.status == 0, ran.errors);
  CHECK(read_floats(out, "bn.running_mean") == std::vector<float>{0});
  CHECK(ran.errors.find("warning: 'bn.running_mean' is all zeros in the result") !=
        std::string::npos);
  CHECK(ran.errors.find("'w'") == std::string::npos);
  const Ran median = aggregate_into(out, files, {"--aggregator", "median"});
  CHECK(median.errors.empty());
  CHECK(read_floats(out, "bn.running_mean") == std::vector<float>{0.001F});
}
