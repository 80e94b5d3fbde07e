// What cannot be done is said in one line, with exit status 2, and leaves nothing behind.
#include <doctest/doctest.h>
#include <sched.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <limits>

#include "tests/aggregate/files.h"

using namespace gradmint;
using namespace gradmint::test;
namespace fs = std::filesystem;

namespace {

struct Place {
  Directory here;
  std::string at(const std::string& name) const { return (here.path / name).string(); }

  Place() {
    const std::vector<float> six = {1, 2, 3, 4, 5, 6};
    for (const char* name : {"a", "b", "c"}) {
      write_tensors_to(at(name), {floats("x", {2, 3}, six), integer("n", 1),
                                  floats("y", {1}, {static_cast<float>(name[0] - 'a')})});
    }
    write_tensors_to(at("shape"),
                     {floats("x", {3, 2}, six), integer("n", 1), floats("y", {1}, {1})});
    write_tensors_to(at("lacks"), {floats("x", {2, 3}, six), integer("n", 1)});
    write_tensors_to(at("more"), {floats("x", {2, 3}, six), integer("n", 1), floats("y", {1}, {1}),
                                  floats("z", {4}, {1, 2, 3, 4})});
    write_tensors_to(at("count"), {floats("x", {2, 3}, six),
                                   {"n", "I32", integer("n", 1).shape, Bytes(4)},
                                   floats("y", {1}, {1})});
    write_tensors_to(at("nan"),
                     {floats("x", {2, 3}, {1, 2, 3, std::numeric_limits<float>::infinity(), 5, 6}),
                      integer("n", 1), floats("y", {1}, {1})});
    write_tensors_to(at("nan16"), {{"x", "BF16", {1}, {0xc0, 0x7f}}});
    write_tensors_to(at("double"), {{"x", "F64", {1}, Bytes(8)}});
    write_tensors_to(at("integers"), {integer("n", 1)});
    write_tensors_to(at("large"), {floats("x", {2, 3}, {1e30f, 2, 3, 4, 5, 6}), integer("n", 1),
                                   floats("y", {1}, {1})});
    write_text(at("text"), "not a safetensors file at all");
    write_text(at("empty"), "");
    const std::string whole = read_text(at("a"));
    write_text(at("short"), whole.substr(0, whole.size() - 5));
    write_tensors_to(at("big"), {floats("x", {300000}, values_of(300000, 1))});
    fs::create_directory(at("folder"));
  }
};

struct Case {
  Words words;  // a word that begins with '@' is a file of ours
  std::string says;
};

std::vector<Case> cases() {
  return {
      {{}, "no input file was named"},
      {{"@missing"}, "cannot open '@missing': No such file or directory"},
      {{"@a", "@text"}, "'@text': safetensors: "},
      {{"@empty"}, "'@empty': safetensors: the file is shorter than 8 bytes"},
      {{"@a", "@short"}, "'@short': safetensors: "},
      {{"@folder"}, "'@folder' is a directory, not a regular file"},
      {{"@a", "@shape"}, "'@shape': tensor 'x' has shape [3,2], in '@a' it has [2,3]"},
      {{"@a", "@lacks"}, "'@lacks': has no tensor 'y', which '@a' has with shape [1]"},
      {{"@a", "@more"}, "'@a': has no tensor 'z', which '@more' has with shape [4]"},
      {{"@a", "@count"}, "'@count': tensor 'n' is I32, in '@a' it is I64"},
      {{"@a", "@b", "--integers", "mean"}, "--integers: mean not in {"},
      {{"@a", "@nan"}, "'@nan': tensor 'x' is not finite at value 3"},
      {{"@nan16"}, "'@nan16': tensor 'x' is not finite at value 0"},
      {{"@double"}, "'@double': tensor 'x' is F64; save it as F32, BF16 or F16"},
      {{"@integers"}, "'@integers': model layout: there are no tensors"},
      {{"@a", "@b", "@large"}, "out_of_range: '@large' has a value above 2^"},
      {{"@a", "@b", "--weights", "1"}, "--weights names 1 for 2 files"},
      {{"@a", "@b", "--weights", "1,0"}, "--weights: 0 for '@b' must be in [1, 16777216]"},
      {{"@a", "@b", "--weights", "1,x"}, "--weights '1,x': must be whole numbers with commas"},
      {{"@a", "@b", "--weights", ""},
       "--weights '': must be whole numbers with commas between them, one for each file"},
      {{"@a", "@b", "--staleness", ""}, "--staleness '': must be whole numbers"},
      {{"@a", "--optimizer", ""}, "optimizer '' is unknown: known are plain, "},
      {{"@a", "--model", ""}, "--model: names no file"},
      {{"@a", "@b", "--pre", "clip", "--pre", "clip", "--tau", "1"},
       "pre-aggregation 'clip' is given twice"},
      {{"@a", "@b", "--weights", "1,2,"}, "--weights '1,2,': must be whole numbers with commas"},
      {{"@a", "--aggregator", "avarage"}, "aggregator 'avarage' is unknown: known are mean, "},
      {{"@a", "--pre", "clip"}, "pre-aggregation 'clip', parameter 'tau' must be given"},
      {{"@a", "--pre", "clip:tau=-1"}, "pre-aggregation 'clip', parameter 'tau' = -1"},
      {{"@a", "--lr", "1"}, "optimizer 'plain' moves a model: name it with --model"},
      {{"@a", "--optimizer", "adam"}, "optimizer 'adam' moves a model: name it with --model"},
      {{"@a", "--optimizer", "adam", "--model", "@b"}, "keeps a state: say with --state-out"},
      {{"@a", "--model", "@b", "--state-out", "@s"}, "--state-out: optimizer 'plain' keeps no"},
      {{"@a", "--model", "@shape"}, "'@shape': tensor 'x' has shape [3,2], in '@a' it has [2,3]"},
      {{"@a", "--optimizer", "adam", "--model", "@b", "--state", "@c", "--state-out", "@s"},
       "'@c': is no optimizer's state"},
      {{"@a", "@b", "@c", "--aggregator", "krum", "--f", "1"},
       "aggregator 'krum', convention paper: f = 1 needs at least 5 updates, there are 3"},
      {{"@a", "@b", "--aggregator", "median", "--weights", "1,2"},
       "--weights: aggregator 'median' gives every file the same weight"},
      {{"@a", "@b", "--staleness", "1"}, "--staleness names 1 for 2 files"},
      {{"@a", "@b", "--discount", "reciprocal"}, "--discount requires --staleness"},
      {{"@a", "--centre", "@b"}, "--centre: aggregator 'mean' starts from none"},
      {{"@a", "--aggregator", "centered_clipping", "--tau", "1", "--centre", "@lacks"},
       "'@lacks': has no tensor 'y', which '@a' has with shape [1]"},
      {{"@a", "--pre", "clip", "--aggregator", "centered_clipping", "--tau", "1"},
       "parameter 'tau' could belong to pre-aggregation 'clip' or aggregator 'centered_clipping'"},
      {{"@a", "--backend", "gpu"}, "device 'gpu' is unknown"},
      {{"@a", "--backend", "cuda:999"}, "device 'cuda:999'"},
      {{"@a", "--threads", "0"}, "--threads"},
      {{"@a", "--format", "xml"}, "--format"},
      {{"@a", "--nonsense"}, "--nonsense"},
  };
}

std::string with_files(const Place& place, std::string text) {
  for (std::size_t at = text.find('@'); at != std::string::npos; at = text.find('@')) {
    text.replace(at, 1, place.here.path.string() + "/");
  }
  return text;
}

void check_refused(const Ran& ran, const std::string& says) {
  CAPTURE(ran.output);
  CAPTURE(ran.errors);
  CHECK(ran.status == 2);
  CHECK(ran.output.empty());
  CHECK(std::count(ran.errors.begin(), ran.errors.end(), '\n') == 1);
  CHECK(ran.errors.starts_with("gradmint-aggregate: "));
  CHECK_MESSAGE(ran.errors.find(says) != std::string::npos, says);
}

}  // namespace

TEST_CASE("what cannot be combined is refused in one line") {
  const Place place;
  const auto before = contents_of(place.here.path);
  for (const Case& each : cases()) {
    Words words;
    for (const std::string& word : each.words) words.push_back(with_files(place, word));
    words.push_back("-o");
    words.push_back(place.at("out"));
    check_refused(aggregate(words), with_files(place, each.says));
  }
  CHECK(contents_of(place.here.path) == before);
}

TEST_CASE("where the output cannot go") {
  const Place place;
  const auto before = contents_of(place.here.path);
  const auto to = [&](const std::string& output, const Setting& setting = {}) {
    return aggregate({place.at("a"), place.at("b"), "-o", output}, setting);
  };
  check_refused(aggregate({place.at("a")}), "--output is required");
  check_refused(to(place.at("b")), "--output '" + place.at("b") + "' is also read");
  check_refused(to(place.at("folder/../b")), "is also read");
  check_refused(to(place.at("folder")), "is not a regular file; choose another name");
  check_refused(to(place.at("nowhere/out")), "there is no folder");
  check_refused(aggregate({place.at("a"), "--optimizer", "nesterov", "--model", place.at("b"),
                           "--state-out", place.at("out"), "-o", place.at("out")}),
                "--output and --state-out are the same file");
  // A disk that fills up: while the result is written, and while a copy is.
  const Setting full{.environment = {}, .max_file_bytes = 100000};
  check_refused(aggregate({place.at("big"), "-o", place.at("out")}, full), "File too large");
  CHECK(contents_of(place.here.path) == before);
}

TEST_CASE("a signal while the result is written leaves nothing behind") {
  const Directory here;
  const std::string in = (here.path / "in").string();
  const std::string out = (here.path / "out").string();
  write_tensors_to(in, {floats("x", {24'000'000}, std::vector<float>(24'000'000, 1.0f))});
  const Directory elsewhere;
  const auto names = [&] {
    std::size_t count = 0;
    for (const auto& entry : fs::directory_iterator(here.path)) count += entry.exists() ? 1 : 0;
    return count;
  };
  // Whether the process has a file of that folder open besides what it reads.
  const auto is_writing = [&](const Process& process) {
    std::error_code gone;
    for (const auto& entry :
         fs::directory_iterator(fs::path("/proc") / std::to_string(process.pid()) / "fd", gone)) {
      const std::string target = fs::read_symlink(entry.path(), gone).string();
      if (target.starts_with(here.path.string()) && target != in) return true;
    }
    return false;
  };
  for (const int number : {SIGINT, SIGTERM, SIGKILL}) {
    CAPTURE(number);
    Process process({program("gradmint-aggregate"), in, "-o", out}, elsewhere.path / "errors");
    const auto patient_until = std::chrono::steady_clock::now() + std::chrono::seconds(kPatienceS);
    while (!is_writing(process) && std::chrono::steady_clock::now() < patient_until) sched_yield();
    process.signal(number);
    CHECK(process.wait() == 128 + number);
    CHECK(names() == 1);
  }
  // A file that may not grow, as a shell's limit has it: the signal would end the program.
  const Ran limited = run({"/bin/sh", "-c",
                           "ulimit -f 1000; exec '" + program("gradmint-aggregate") + "' '" + in +
                               "' -o '" + out + "'"});
  check_refused(limited, "File too large");
  CHECK(names() == 1);
}

TEST_CASE("a full disk while a file is converted") {
  const Place place;
  const std::vector<float> values = values_of(300000, 1);
  write_tensors_to(place.at("half"), {narrow("BF16", "y", {1}, {1.0f}),  // in another order
                                      narrow("BF16", "x", {300000}, values)});
  const auto before = contents_of(place.here.path);
  const Setting full{.environment = {}, .max_file_bytes = 1000000};
  check_refused(aggregate({place.at("half"), "-o", place.at("out")}, full),
                "cannot write a temporary file for '" + place.at("half") + "'");
  CHECK(contents_of(place.here.path) == before);
}
