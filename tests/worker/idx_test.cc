#include <doctest/doctest.h>

#include "worker/data/parse.h"

using namespace gradmint;

namespace {

void put(Bytes& bytes, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8)
    bytes.push_back(static_cast<std::uint8_t>(value >> shift));
}

Bytes images(std::uint32_t magic, std::uint32_t count, std::uint32_t side, std::size_t pixels) {
  Bytes bytes;
  put(bytes, magic);
  put(bytes, count);
  put(bytes, side);
  put(bytes, side);
  for (std::size_t i = 0; i < pixels; ++i) bytes.push_back(static_cast<std::uint8_t>(i * 51));
  return bytes;
}

Bytes labels(std::uint32_t magic, std::uint32_t count, const Bytes& values) {
  Bytes bytes;
  put(bytes, magic);
  put(bytes, count);
  bytes.insert(bytes.end(), values.begin(), values.end());
  return bytes;
}

}  // namespace

TEST_CASE("idx: images and labels") {
  const auto data = parse_idx(images(2051, 2, 2, 8), labels(2049, 2, {7, 0}), "i", "l");
  REQUIRE(data.ok());
  CHECK(data->sample_shape == std::vector<std::uint64_t>{1, 2, 2});
  CHECK(data->labels == std::vector<std::int32_t>{7, 0});
  CHECK(data->features[5] == 1.0F);
}

TEST_CASE("idx: damaged files are refused by name") {
  const Bytes good_images = images(2051, 2, 2, 8);
  const Bytes good_labels = labels(2049, 2, {7, 0});
  struct Row {
    Bytes images;
    Bytes labels;
    const char* says;
  };
  const std::vector<Row> table = {
      {{}, good_labels, "i: not an IDX file of images"},
      {images(2049, 2, 2, 8), good_labels, "i: not an IDX file of images"},
      {good_images, {1, 2, 3}, "l: not an IDX file of labels"},
      {images(2051, 0, 2, 0), good_labels, "i: there are no images"},
      {images(2051, 2, 0, 0), good_labels, "0 x 0"},
      {images(2051, 2, 0xFFFFFFFF, 8), good_labels, "cannot be used"},
      {images(2051, 0xFFFFFFFF, 4096, 8), good_labels, "truncated in row 1 of 4294967295"},
      {images(2051, 2, 2, 7), good_labels, "i: truncated in row 2 of 2 images"},
      {images(2051, 2, 2, 9), good_labels, "i: 1 bytes after the last"},
      {good_images, labels(2049, 3, {1, 2, 3}), "l: 3 labels for the 2 images"},
      {good_images, labels(2049, 2, {1}), "l: truncated in row 2"},
      {good_images, labels(2049, 2, {1, 10}), "l: row 2: label 10"},
  };
  for (const Row& row : table) {
    const auto data = parse_idx(row.images, row.labels, "i", "l");
    REQUIRE_MESSAGE(!data.ok(), row.says);
    CHECK_MESSAGE(data.error().message.find(row.says) != std::string::npos, data.error().message);
  }
}
