#include "worker/data/parse.h"

namespace gradmint {
namespace {

constexpr std::uint32_t kImagesMagic = 2051;
constexpr std::uint32_t kLabelsMagic = 2049;
constexpr std::uint32_t kMaxSide = 4096;

Error bad_file(const std::string& name, const std::string& what) {
  return {ErrorCode::corrupt, name + ": " + what};
}

std::uint32_t big_endian(ByteView bytes, std::size_t at) {
  return std::uint32_t{bytes[at]} << 24 | std::uint32_t{bytes[at + 1]} << 16 |
         std::uint32_t{bytes[at + 2]} << 8 | std::uint32_t{bytes[at + 3]};
}

Status check_size(ByteView file, std::uint64_t header, std::uint64_t items,
                  std::uint64_t item_bytes, const std::string& name, const char* what) {
  const std::uint64_t expected = header + items * item_bytes;  // below 2^32 · 2^24
  if (file.size() < expected)
    return bad_file(name, "truncated in row " +
                              std::to_string((file.size() - header) / item_bytes + 1) + " of " +
                              std::to_string(items) + " " + what);
  if (file.size() > expected)
    return bad_file(name, std::to_string(file.size() - expected) + " bytes after the last of " +
                              std::to_string(items) + " " + what);
  return {};
}

}  // namespace

Result<Dataset> parse_idx(ByteView images, ByteView labels, const std::string& images_name,
                          const std::string& labels_name) {
  if (images.size() < 16 || big_endian(images, 0) != kImagesMagic)
    return bad_file(images_name, "not an IDX file of images (magic 2051)");
  if (labels.size() < 8 || big_endian(labels, 0) != kLabelsMagic)
    return bad_file(labels_name, "not an IDX file of labels (magic 2049)");
  const std::uint32_t count = big_endian(images, 4);
  const std::uint32_t height = big_endian(images, 8);
  const std::uint32_t width = big_endian(images, 12);
  if (count == 0) return bad_file(images_name, "there are no images in it");
  if (height == 0 || width == 0 || height > kMaxSide || width > kMaxSide)
    return bad_file(images_name, "images of " + std::to_string(height) + " x " +
                                     std::to_string(width) + " pixels cannot be used");
  const std::uint64_t pixels = std::uint64_t{height} * width;
  if (Status s = check_size(images, 16, count, pixels, images_name, "images"); !s) return s.error();
  const std::uint32_t label_count = big_endian(labels, 4);
  if (label_count != count)
    return bad_file(labels_name, std::to_string(label_count) + " labels for the " +
                                     std::to_string(count) + " images of " + images_name);
  if (Status s = check_size(labels, 8, count, 1, labels_name, "labels"); !s) return s.error();
  Dataset data;
  data.task = Task::classification;
  data.sample_shape = {1, height, width};
  for (char digit = '0'; digit <= '9'; ++digit) data.classes.emplace_back(1, digit);
  data.contract = image_contract(data);
  data.schema =
      std::to_string(height) + "x" + std::to_string(width) + " grey image, 0 to 1, and its digit";
  data.features.reserve(count * pixels);
  for (const std::uint8_t pixel : images.subspan(16))
    data.features.push_back(static_cast<float>(pixel) / 255.0F);
  for (std::uint32_t row = 0; row < count; ++row) {
    if (labels[8 + row] > 9)
      return bad_file(labels_name, "row " + std::to_string(row + 1) + ": label " +
                                       std::to_string(labels[8 + row]) + " is not a digit");
    data.labels.push_back(labels[8 + row]);
  }
  return data;
}

}  // namespace gradmint
