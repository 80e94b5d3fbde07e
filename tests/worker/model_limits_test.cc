// The most tensors that a model may have, and headers that are nothing but work. The suite `large`
// takes a sanitizer a minute, in which it sees what it sees in smaller ones.
#include <doctest/doctest.h>

#include <cstring>
#include <string>

#include "ledger/json_input.h"
#include "ledger/model/layout.h"
#include "ledger/model/safetensors.h"
#include "tests/cpu_time.h"

using namespace gradmint;
using namespace gradmint::test;

namespace {

using Bytes = std::vector<std::uint8_t>;

ModelLayout layout_of(std::uint64_t tensors, std::uint64_t rank) {
  std::vector<TensorSpec> specs;
  for (std::uint64_t i = 0; i < tensors; ++i)
    specs.push_back({"block." + std::to_string(i) + ".weight", std::vector<std::uint64_t>(rank, 1),
                     i % 16 == 15});
  return ModelLayout::create(std::move(specs)).value();
}

Bytes file_of(std::uint64_t tensors, std::uint64_t rank) {
  const ModelLayout layout = layout_of(tensors, rank);
  return write_safetensors(layout, std::vector<float>(layout.value_count(), 1.5F));
}

Bytes headed(const std::string& header) {
  Bytes file(8 + header.size());
  const std::uint64_t size = header.size();
  std::memcpy(file.data(), &size, 8);
  std::memcpy(file.data() + 8, header.data(), header.size());
  return file;
}

// What a stranger's file may cost: seconds, and not the minutes that an earlier reader took. A
// sanitizer's build and a slow machine have their share in it.
constexpr double kSecondsAtMost = 40;

}  // namespace

TEST_CASE("a model of the most tensors there may be, of the highest rank, is read and written" *
          doctest::test_suite("large")) {
  const double begin = thread_seconds();
  const ModelLayout layout = layout_of(kMaxLayoutTensors, kMaxTensorRank);
  CHECK(ModelLayout::decode(layout.encode()).value() == layout);
  const Bytes file = file_of(kMaxLayoutTensors, kMaxTensorRank);
  const auto model = read_safetensors(file);
  REQUIRE_MESSAGE(model.ok(), model.error().message);
  CHECK(model->layout == layout);
  CHECK(read_safetensors_as(file, layout).value() == model->parameters);
  CHECK(thread_seconds() - begin < kSecondsAtMost);
}

TEST_CASE("reading and writing eight times the tensors is about eight times the work" *
          doctest::test_suite("large")) {
  const auto seconds = [](std::uint64_t tensors) {
    const ModelLayout layout = layout_of(tensors, 2);
    const std::string text = layout.encode();
    const Bytes file = file_of(tensors, 2);
    struct {
      double file, layout, write;
    } taken{seconds_of([&] { CHECK(read_safetensors(file).ok()); }),
            seconds_of([&] { CHECK(ModelLayout::decode(text).ok()); }),
            seconds_of([&] { (void)file_of(tensors, 2); })};
    return taken;
  };
  const auto some = seconds(2048), more = seconds(8 * 2048);
  CHECK(is_about_linear(some.file, more.file));
  CHECK(is_about_linear(some.layout, more.layout));
  CHECK(is_about_linear(some.write, more.write));
}

TEST_CASE("a header of 40,000 empty objects is refused at once") {
  std::string header = "{";
  for (int i = 0; i < 40'000; ++i) header += "\"t" + std::to_string(i) + "\":{},";
  header.back() = '}';
  const double begin = thread_seconds();
  const auto refused = parse_safetensors(headed(header));
  CHECK(thread_seconds() - begin < kSecondsAtMost / 10);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().message.find("needs dtype") != std::string::npos);
}

TEST_CASE("headers as large as they may be cost seconds, whatever is in them" *
          doctest::test_suite("large")) {
  const auto filled = [](const std::string& begin, const std::string& again, char end) {
    std::string text = begin;
    while (text.size() + again.size() < kMaxSafetensorsHeaderBytes) text += again;
    text.back() = end;
    return text;
  };
  std::string names = "{";
  for (int i = 0; names.size() + 20 < kMaxSafetensorsHeaderBytes; ++i)
    names += "\"" + std::to_string(i) + "\":{},";
  names.back() = '}';
  const std::string headers[] = {
      names,
      filled("{\"a\":[", "[],", ']'),
      filled("{\"a\":[", "0,", ']'),
      filled("{\"a\":1", "7", '}'),
      filled("{", "\"a\":{},", '}'),
      filled("{\"a\":", "[", '}'),
      filled("{\"a\":\"", "\\u0000", '}'),
  };
  for (const std::string& header : headers) {
    CAPTURE(header.substr(0, 40));
    const double begin = thread_seconds();
    CHECK_FALSE(parse_safetensors(headed(header)).ok());
    CHECK(thread_seconds() - begin < kSecondsAtMost);
  }
}
