#include "worker/data/load.h"

#include <doctest/doctest.h>
#include <unistd.h>
#include <zlib.h>

#include <cstdlib>
#include <fstream>

#include "ledger/durable_file.h"
#include "tests/support/paths.h"
#include "tests/worker/scratch.h"

using namespace gradmint;
using gradmint::test::Scratch;

namespace {

void write_gz(const std::filesystem::path& file, const std::string& text) {
  gzFile out = gzopen(file.c_str(), "wb");
  REQUIRE(gzwrite(out, text.data(), static_cast<unsigned>(text.size())) ==
          static_cast<int>(text.size()));
  gzclose(out);
}

}  // namespace

TEST_CASE("a gzip file reads as its contents; truncation, damage and excess are refused by name") {
  const Scratch scratch;
  const std::filesystem::path file = scratch.path() / "d.csv.gz";
  std::string text;
  for (int i = 0; i < 5000; ++i)
    text += std::to_string(i * i) + ",a\n" + std::to_string(i) + ",b\n";
  write_gz(file, text);
  const auto plain = read_data_file(file);
  REQUIRE(plain.ok());
  CHECK(std::string(plain->begin(), plain->end()) == text);
  CHECK(load_dataset("csv:" + file.string(), {}, "")->rows() == 10000);
  CHECK(!read_data_file(file, 1000).ok());

  const Bytes packed = *read_file(file, 1 << 20);
  for (const std::size_t size :
       {std::size_t{2}, std::size_t{10}, packed.size() / 2, packed.size() - 1}) {
    REQUIRE(replace_file(file, std::span(packed).first(size)).ok());
    const auto cut = read_data_file(file);
    REQUIRE(!cut.ok());
    CHECK_MESSAGE(cut.error().message.find("truncated") != std::string::npos, cut.error().message);
    CHECK(cut.error().message.find(file.string()) != std::string::npos);
  }
  Bytes damaged = packed;
  damaged[packed.size() / 2] ^= 0xFF;
  REQUIRE(replace_file(file, damaged).ok());
  CHECK(read_data_file(file).error().code == ErrorCode::corrupt);
  Bytes longer = packed;
  longer.push_back(1);
  REQUIRE(replace_file(file, longer).ok());
  CHECK(read_data_file(file).error().message.find("after the end") != std::string::npos);
  REQUIRE(replace_file(file, as_bytes("no gzip")).ok());
  CHECK(read_data_file(file).error().message.find("not a gzip file") != std::string::npos);
}

TEST_CASE("data specifications that lead nowhere") {
  struct Row {
    const char* spec;
    ErrorCode code;
  };
  for (const Row& row : {Row{"csv:/nonexistent/x.csv", ErrorCode::not_found},
                         Row{"mnist:/nonexistent", ErrorCode::not_found},
                         Row{"", ErrorCode::bad_input}, Row{"csv:", ErrorCode::bad_input},
                         Row{"mnist:", ErrorCode::bad_input}, Row{"cifar", ErrorCode::bad_input}}) {
    const auto data = load_dataset(row.spec, {}, "/nonexistent/digits.csv.gz");
    REQUIRE_MESSAGE(!data.ok(), row.spec);
    CHECK_MESSAGE(data.error().code == row.code, data.error().message);
  }
}

TEST_CASE("MNIST's test set: 8,000 train, 2,000 validate") {
  const auto dir = test::data_dir() / "mnist-10k";
  if (!std::filesystem::exists(dir)) {
    MESSAGE("SKIPPED: no " << dir.string() << "; set GRADMINT_DATA");
    return;
  }
  const auto data = load_dataset("mnist:" + dir.string(), {}, "");
  REQUIRE(data.ok());
  CHECK(data->rows() == 10000);
  CHECK(data->sample_shape == std::vector<std::uint64_t>{1, 28, 28});
  const auto split = split_holdout(*data, 1);
  REQUIRE(split.ok());
  CHECK(split->train.size() == 8000);
  CHECK(split->holdout.front() == 8000);
}
