// gradmint-aggregate as people start it: what comes out, whatever the order of its arguments.
#include <doctest/doctest.h>
#include <sys/resource.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "gradmint_test_paths.h"
#include "ledger/durable_file.h"
#include "ledger/hash.h"
#include "ledger/model/safetensors.h"
#include "tests/aggregate/files.h"
#include "tests/cpu_time.h"
#include "tests/support/paths.h"

using namespace gradmint;
using namespace gradmint::test;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

constexpr std::size_t kWeights = 6000, kBiases = 7;

// Five models of two floating tensors and a counter, in the order of their contents.
struct Five {
  Directory here;
  std::vector<fs::path> files;
  std::vector<std::vector<float>> updates;  // flat
  std::vector<std::string> hashes;

  Five() {
    struct One {
      std::string hash;
      fs::path file;
      std::vector<float> flat;
    };
    std::vector<One> all;
    for (std::uint32_t i = 0; i < 5; ++i) {
      One one;
      one.file = here.path / ("model" + std::to_string(i) + ".safetensors");
      one.flat = values_of(kWeights + kBiases, i);
      const std::vector<float> weights(one.flat.begin(), one.flat.begin() + kWeights);
      const std::vector<float> biases(one.flat.begin() + kWeights, one.flat.end());
      write_tensors_to(one.file, {floats("a.weight", {60, 100}, weights),
                                  floats("b.bias", {kBiases}, biases), integer("count", 5)});
      one.hash = to_hex(sha256(as_bytes(read_text(one.file))));
      all.push_back(one);
    }
    std::ranges::sort(all, {}, &One::hash);
    for (const One& one : all) {
      files.push_back(one.file);
      updates.push_back(one.flat);
      hashes.push_back(one.hash);
    }
  }

  fs::path out(const std::string& name) const { return here.path / name; }
  // Runs on these of the files; the result goes to `name`.
  Ran on(const std::vector<std::size_t>& order, const std::string& name, Words more = {},
         const Setting& setting = {}) const {
    for (const std::size_t i : order) more.push_back(files[i]);
    more.push_back("-o");
    more.push_back(out(name));
    const Ran ran = aggregate(more, setting);
    CAPTURE(ran.errors);
    REQUIRE(ran.status == 0);
    return ran;
  }
  std::vector<float> result(const std::string& name) const {
    std::vector<float> flat = read_floats(out(name), "a.weight");
    const std::vector<float> biases = read_floats(out(name), "b.bias");
    flat.insert(flat.end(), biases.begin(), biases.end());
    return flat;
  }
};

kernels::AggregateSpec spec_of(const std::string& aggregator) {
  kernels::AggregateSpec spec;
  spec.aggregator.name = aggregator;
  return spec;
}

}  // namespace

TEST_CASE("the order of arguments does not matter, and weights follow their files") {
  const Five five;
  five.on({0, 1, 2, 3, 4}, "ordered", {"--weights", "3,1,2,5,4"});
  five.on({4, 2, 0, 3, 1}, "mixed", {"--weights", "4,2,3,5,1", "--threads", "1"});
  const std::string bytes = read_text(five.out("ordered"));
  CHECK(read_text(five.out("mixed")) == bytes);
  const auto expected = expected_of(spec_of("mean"), five.updates, {3, 1, 2, 5, 4});
  CHECK(five.result("ordered") == expected.model);
  for (const kernels::CpuLevel level : kernels::supported_cpu_levels()) {
    five.on({0, 1, 2, 3, 4}, "level", {"--weights", "3,1,2,5,4", "--threads", "3"},
            {.environment = {{"GRADMINT_CPU", std::string(kernels::name_of(level))}}});
    CHECK(read_text(five.out("level")) == bytes);
  }
  const auto metadata = read_metadata(five.out("ordered"));
  CHECK(metadata.at("gradmint.aggregator") == "mean");
  CHECK(metadata.at("gradmint.weights") == "3 1 2 5 4");
  CHECK(metadata.at("gradmint.inputs").starts_with(five.hashes[0] + " " + five.hashes[1]));
}

TEST_CASE("every aggregator there is gives what kernels::aggregate gives") {
  const Five five;
  for (const kernels::RuleInfo& rule : kernels::aggregator_rules()) {
    kernels::AggregateSpec spec = spec_of(std::string(rule.name));
    Words words = {"--aggregator", spec.aggregator.name};
    for (const kernels::ParameterInfo& each : rule.parameters) {
      if (each.preset.has_value() && each.name != "f") continue;
      const bool count = each.name == "f" && rule.name != "bulyan";
      spec.aggregator.parameters.push_back({std::string(each.name), count ? 1.0f : 0.0f});
      if (each.name == "tau") spec.aggregator.parameters.back().value = 50.0f;
      words.push_back("--" + std::string(each.name));
      words.push_back(each.name == "tau" ? "50" : count ? "1" : "0");
    }
    CAPTURE(spec.aggregator.name);
    const auto expected = expected_of(spec, five.updates, {1, 1, 1, 1, 1});
    const Ran ran = five.on({3, 1, 4, 0, 2}, "out", words);
    CHECK(five.result("out") == expected.model);
    // One line for each file, in the order of their contents, kept or not.
    for (std::size_t i = 0; i < 5; ++i) {
      const std::size_t at = ran.output.find(five.hashes[i]);
      REQUIRE(at != std::string::npos);
      const std::size_t line = ran.output.rfind('\n', at) + 1;
      CHECK(ran.output.substr(line, 3) == (expected.selected[i] != 0 ? "yes" : "no "));
    }
  }
}

TEST_CASE("JSON says what was done, and fits its schema") {
  const Five five;
  const Ran ran = five.on({0, 2, 1}, "out",
                          {"--aggregator", "median", "--pre", "clip:tau=30", "--format", "json"});
  const json report = json::parse(ran.output);
  const json schema = json::parse(
      read_text(fs::path(GRADMINT_SOURCE_DIR) / "docs" / "schemas" / "aggregate.schema.json"));
  const auto fits = [](const json& value, const json& described) {
    for (const json& key : described["required"]) CHECK(value.contains(key.get<std::string>()));
    for (const auto& [key, unused] : value.items()) CHECK(described["properties"].contains(key));
  };
  fits(report, schema);
  CHECK(report["schema"] == schema["properties"]["schema"]["enum"][0]);
  for (const json& input : report["inputs"]) fits(input, schema["properties"]["inputs"]["items"]);
  fits(report["output"], schema["properties"]["output"]);

  const std::vector<std::vector<float>> updates(five.updates.begin(), five.updates.begin() + 3);
  kernels::AggregateSpec spec = spec_of("median");
  spec.pre = {{"clip", {{"tau", 30.0f}}}};
  const auto expected = expected_of(spec, updates, {1, 1, 1});
  REQUIRE(report["inputs"].size() == 3);
  for (std::size_t i = 0; i < 3; ++i) {
    const json& input = report["inputs"][i];
    CHECK(input["file"] == five.files[i].string());
    CHECK(input["sha256"] == five.hashes[i]);
    CHECK(input["outside"] == expected.outside[i]);
    CHECK(input["clip_factor"] == expected.clip_factors[i]);
    CHECK(input["kept"] == true);
  }
  CHECK(report["pre"] == json::parse(R"([{"name":"clip","parameters":{"tau":30}}])"));
  CHECK(report["values"] == kWeights + kBiases);
  CHECK(report["output"]["sha256"] == to_hex(sha256(as_bytes(read_text(five.out("out"))))));
  CHECK(report["output"]["size_bytes"] == fs::file_size(five.out("out")));
}

TEST_CASE("late files weigh less, and scores and a centre are passed on") {
  const Five five;
  five.on({2, 0, 1}, "late", {"--weights", "4,16,8", "--staleness", "3,0,0"});
  auto expected = expected_of(spec_of("mean"), {five.updates[0], five.updates[1], five.updates[2]},
                              {16, 8, 2});  // 4 / sqrt(1 + 3)
  CHECK(five.result("late") == expected.model);
  CHECK(read_metadata(five.out("late")).at("gradmint.weights") == "16 8 2");
  five.on({2, 0, 1}, "later",
          {"--weights", "4,16,8", "--staleness", "3,0,0", "--discount", "reciprocal"});
  CHECK(read_metadata(five.out("later")).at("gradmint.weights") == "16 8 1");

  kernels::AggregateSpec spec = spec_of("krum");
  spec.aggregator.parameters = {{"f", 1.0f}};
  expected = expected_of(spec, five.updates, {1, 1, 1, 1, 1});
  const Ran ran = five.on({0, 1, 2, 3, 4}, "krum",
                          {"--aggregator", "krum:f=1,convention=paper", "--format", "json"});
  const json inputs = json::parse(ran.output)["inputs"];
  for (std::size_t i = 0; i < 5; ++i) {
    CHECK(inputs[i]["score"] == expected.scores[i]);
    CHECK(inputs[i]["kept"] == (expected.selected[i] != 0));
    CHECK(inputs[i]["coefficient"] == expected.coefficients[i]);
  }

  // A centre that is one of the files, and a radius that lets nothing move.
  five.on({0, 1, 2}, "centre",
          {"--aggregator", "centered_clipping:tau=1e-30", "--centre", five.files[4].string()});
  CHECK(five.result("centre") == five.updates[4]);
}

TEST_CASE("half precision, another order of tensors and -0 make no difference") {
  const Five five;
  five.on({0, 1, 2}, "plain");
  const fs::path file = five.files[1];
  const std::vector<float>& flat = five.updates[1];
  const std::vector<float> weights(flat.begin(), flat.begin() + kWeights);
  const std::vector<float> biases(flat.begin() + kWeights, flat.end());
  for (const char* dtype : {"BF16", "F16", "F32"}) {
    CAPTURE(dtype);
    Tensor first = floats("a.weight", {60, 100}, weights);
    if (std::string(dtype) != "F32") first = narrow(dtype, "a.weight", {60, 100}, weights);
    write_tensors_to(file, {integer("count", 5), floats("b.bias", {kBiases}, biases), first});
    const Ran ran = five.on({0, 1, 2}, "converted", {"--log-level", "info"});
    CHECK(five.result("converted") == five.result("plain"));
    CHECK(ran.errors == "gradmint-aggregate: note: '" + file.string() +
                            "' was converted to fp32 in order through a temporary file\n");
    if (std::string(dtype) == "F32") continue;
    // All of one dtype in order: read as it lies, beside files of fp32.
    const Tensor narrow_bias = narrow(dtype, "b.bias", {kBiases}, biases);
    for (const char* rule : {"mean", "median", "krum:f=0"}) {
      CAPTURE(rule);
      const Words words = {"--aggregator", rule, "--log-level", "info"};
      write_tensors_to(file, {first, narrow_bias, integer("count", 5)});
      CHECK(five.on({0, 1, 2}, "as_it_lies", words).errors.empty());
      write_tensors_to(file, {floats("a.weight", {60, 100}, weights),
                              floats("b.bias", {kBiases}, biases), integer("count", 5)});
      five.on({0, 1, 2}, "of_floats", words);
      CHECK(five.result("as_it_lies") == five.result("of_floats"));
    }
  }
  // -0 in every place of one file and +0 in another: a median between them must not show which.
  const Directory here;
  for (const auto& [name, zero] : {std::pair{"plus", 0.0f}, std::pair{"minus", -0.0f}}) {
    write_tensors_to(here.path / name, {floats("x", {9}, std::vector<float>(9, zero))});
    const Ran ran = aggregate({"--aggregator", "median", (here.path / name).string(), "-o",
                               (here.path / (std::string(name) + ".out")).string()});
    REQUIRE(ran.status == 0);
  }
  const auto zeros = read_floats(here.path / "minus.out", "x");
  CHECK(std::none_of(zeros.begin(), zeros.end(), [](float x) { return std::signbit(x); }));
}

TEST_CASE("integers are copied through, buffers keep their place, a file may come twice") {
  const Five five;
  five.on({0, 1}, "out");
  const std::string text = read_text(five.out("out"));
  const Tensor counter = integer("count", 5);
  CHECK(text.find(std::string(counter.bytes.begin(), counter.bytes.end())) != std::string::npos);
  five.on({0, 0, 1}, "twice", {"--weights", "1,2,5"});
  five.on({1, 0, 0}, "again", {"--weights", "5,2,1"});
  CHECK(read_text(five.out("twice")) == read_text(five.out("again")));
  const auto expected =
      expected_of(spec_of("mean"), {five.updates[0], five.updates[0], five.updates[1]}, {1, 2, 5});
  CHECK(five.result("twice") == expected.model);
  // The result can be an input: its metadata hold the layout.
  five.on({0, 1}, "second");
  const Ran ran = aggregate({five.out("out"), five.files[2], "-o", five.out("third")});
  CHECK(ran.status == 0);
}

TEST_CASE("a server optimizer moves a model, and its state goes from file to file") {
  const Five five;
  const fs::path model = five.here.path / "global.safetensors";
  const std::vector<float> flat = values_of(kWeights + kBiases, 99);
  write_tensors_to(model, {floats("a.weight", {60, 100}, {flat.begin(), flat.begin() + kWeights}),
                           floats("b.bias", {kBiases}, {flat.begin() + kWeights, flat.end()}),
                           integer("count", 5)});
  const Words words = {"--optimizer", "adam", "--lr", "0.5"};
  Words first = words;
  for (const std::string& word : {std::string("--model"), model.string(),
                                  std::string("--state-out"), five.out("state1").string()}) {
    first.push_back(word);
  }
  five.on({0, 1, 2}, "model1", first);
  Words second = words;
  for (const std::string& word :
       {std::string("--model"), five.out("model1").string(), std::string("--state"),
        five.out("state1").string(), std::string("--state-out"), five.out("state2").string()}) {
    second.push_back(word);
  }
  const Ran ran = five.on({3, 4}, "model2", second);
  CHECK(ran.output.find("state       " + five.out("state2").string()) != std::string::npos);

  kernels::AggregateSpec spec = spec_of("mean");
  spec.optimizer = {"adam", {{"lr", 0.5f}}};
  std::vector<float> at = flat;
  std::vector<float> state(2 * at.size());
  const auto backend = kernels::make_cpu_backend(kernels::CpuLevel::scalar, 1);
  for (const auto& [begin, end] : {std::pair{0, 3}, std::pair{3, 5}}) {
    const std::vector<std::vector<float>> updates(five.updates.begin() + begin,
                                                  five.updates.begin() + end);
    kernels::AggregateInput input;
    for (const auto& update : updates) input.updates.emplace_back(std::span<const float>(update));
    input.weights.assign(updates.size(), 1);
    input.round_exponent = 0;  // values_of stays below 1 and reaches above a half
    input.shift = 51;
    input.model = at;
    input.optimizer_state = state;
    const auto output = kernels::aggregate(spec, input, *backend);
    REQUIRE(output.ok());
    at.assign(output->model.begin(), output->model.end());
    state.assign(output->optimizer_state.begin(), output->optimizer_state.end());
  }
  CHECK(five.result("model2") == at);
  const std::vector<float> moments = read_floats(five.out("state2"), "second.b.bias");
  CHECK(moments == std::vector<float>(state.end() - kBiases, state.end()));
}

TEST_CASE("gradmint aggregate starts the program, which says what it is and how it is used") {
  const Ran version = run({program("gradmint"), "aggregate", "--version"});
  CHECK(version.status == 0);
  CHECK(version.output.starts_with("gradmint-aggregate "));
  CHECK(version.output.find("backends: cpu (can run") != std::string::npos);
  const Ran help = run({program("gradmint"), "aggregate", "--help"});
  CHECK(help.status == 0);
  CHECK(help.output.find("Example") != std::string::npos);
  for (const char* option : {"--aggregator", "--weights", "--model", "--backend", "--tau"}) {
    CHECK(help.output.find(option) != std::string::npos);
  }
}

TEST_CASE("files of zeros and small ones refuse no other") {
  const Directory here;
  const auto at = [&](const std::string& name) { return (here.path / name).string(); };
  write_tensors_to(at("zeros"), {floats("w", {2}, {0.0f, 0.0f})});
  write_tensors_to(at("w"), {floats("w", {2}, {0.1f, 0.2f})});
  write_tensors_to(at("tiny"), {floats("w", {2}, {1e-6f, -1e-30f})});
  write_tensors_to(at("small"), {floats("w", {2}, {-1e-6f, 1e-30f})});
  write_tensors_to(at("large"), {floats("w", {2}, {1e6f, 0.0f})});
  const auto mean_of = [&](const Words& names) {
    Words words;
    for (const std::string& name : names) words.push_back(at(name));
    words.insert(words.end(), {"-o", at("out")});
    const Ran ran = aggregate(words);
    CAPTURE(ran.errors);
    REQUIRE(ran.status == 0);
    return read_floats(at("out"), "w");
  };
  CHECK(mean_of({"zeros", "w"}) == std::vector<float>{0.05f, 0.1f});
  CHECK(mean_of({"zeros", "zeros", "w", "w"}) == std::vector<float>{0.05f, 0.1f});
  CHECK(mean_of({"tiny", "small", "w", "w"}) == std::vector<float>{0.05f, 0.1f});
  CHECK(mean_of({"zeros", "zeros", "zeros", "w"}) == std::vector<float>{0.025f, 0.05f});
  CHECK(mean_of({"tiny", "w"}) == std::vector<float>{0.0500005f, 0.1f});
  CHECK(mean_of({"zeros"}) == std::vector<float>{0.0f, 0.0f});
  // Who stands out is named, not who stands beside it.
  const Ran refused = aggregate({at("zeros"), at("w"), at("large"), "-o", at("out")});
  CHECK(refused.status == 2);
  CHECK(refused.errors.find("out_of_range: '" + at("large") + "' has a value above 2^-2") !=
        std::string::npos);
}

TEST_CASE("a tensor's name need not be ASCII") {
  const Directory here;
  const std::string out = (here.path / "out").string();
  const fs::path given = cases_dir() / "safetensors";
  const Ran ran = aggregate({(given / "unicode_name_a.safetensors").string(),
                             (given / "unicode_name_b.safetensors").string(), "-o", out});
  REQUIRE_MESSAGE(ran.status == 0, ran.errors);
  CHECK(read_floats(out, "層.weight") == std::vector<float>{2.0f, 3.0f});
}

TEST_CASE("eight times the tensors are about eight times the work, to the most there may be") {
  const Directory here;
  const auto processor_seconds = [] {
    rusage used{};
    ::getrusage(RUSAGE_CHILDREN, &used);
    const auto seconds = [](const timeval& t) {
      return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
    };
    return seconds(used.ru_utime) + seconds(used.ru_stime);
  };
  const auto seconds_of = [&](std::uint64_t tensors) {
    std::vector<TensorSpec> specs;
    for (std::uint64_t i = 0; i < tensors; ++i)
      specs.push_back({"block." + std::to_string(i), {1}, i % 2 == 0});
    const ModelLayout layout = ModelLayout::create(std::move(specs)).value();
    const std::vector<float> values = values_of(tensors, 1);
    const auto file = here.path / "many";
    REQUIRE(replace_file(file, write_safetensors(layout, values)).ok());
    const double begin = processor_seconds();
    const Ran ran = aggregate({file.string(), file.string(), "-o", (here.path / "out").string()});
    const double seconds = processor_seconds() - begin;
    REQUIRE_MESSAGE(ran.status == 0, ran.errors);
    const auto out = read_file(here.path / "out", 1 << 26).value();
    CHECK(read_safetensors_as(out, layout).value() == values);
    return seconds;
  };
  const double some = seconds_of(kMaxLayoutTensors / 8), most = seconds_of(kMaxLayoutTensors);
  CAPTURE(some);
  CAPTURE(most);
  CHECK(is_about_linear(some, most));
}
