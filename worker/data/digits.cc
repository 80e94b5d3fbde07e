#include <cmath>

#include "worker/data/parse.h"

namespace gradmint {
namespace {

constexpr std::size_t kPixels = 64;
constexpr float kMaxPixel = 16;

Error bad_row(const std::string& name, std::size_t row, const std::string& what) {
  return {ErrorCode::corrupt, name + ": row " + std::to_string(row + 1) + ": " + what};
}

}  // namespace

Result<Dataset> parse_digits(std::string_view text, const std::string& name) {
  CsvOptions raw;
  raw.task = Task::regression;  // the label as a number, checked below
  raw.scale = CsvScale::none;
  Result<Dataset> parsed = parse_csv(text, name, raw);
  if (!parsed) return Error{ErrorCode::corrupt, parsed.error().message};
  Dataset data = *std::move(parsed);
  if (data.columns() != kPixels)
    return bad_row(
        name, 0,
        std::to_string(data.columns() + 1) + " columns; the digits have 64 pixels and a label");
  for (std::size_t i = 0; i < data.features.size(); ++i) {
    if (data.features[i] < 0 || data.features[i] > kMaxPixel)
      return bad_row(name, i / kPixels,
                     "column " + std::to_string(i % kPixels) + ": a pixel outside 0 to 16");
    data.features[i] /= kMaxPixel;
  }
  for (std::size_t row = 0; row < data.targets.size(); ++row) {
    const float label = data.targets[row];
    if (label < 0 || label > 9 || label != std::floor(label))
      return bad_row(name, row, "column 64: a label that is not a digit");
    data.labels.push_back(static_cast<std::int32_t>(label));
  }
  data.targets.clear();
  data.name = "digits";
  data.task = Task::classification;
  data.sample_shape = {1, 8, 8};
  for (char digit = '0'; digit <= '9'; ++digit) data.classes.emplace_back(1, digit);
  data.contract = image_contract(data);
  data.schema = "8x8 grey image, 0 to 1, and its digit";
  return data;
}

}  // namespace gradmint
