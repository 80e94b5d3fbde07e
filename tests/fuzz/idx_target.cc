#include "kernels/base/check.h"
#include "tests/fuzz/target.h"
#include "worker/data/parse.h"

namespace gradmint::fuzz {
namespace {

void run(ByteView input) {
  const Halves files = halves_of(input);
  const auto data = parse_idx(files.first, files.second, "images", "labels");
  if (!data) return GRADMINT_CHECK(data.error().message.find('\n') == std::string::npos);
  GRADMINT_CHECK(data->features.size() == data->rows() * data->columns());
}

std::vector<Bytes> seeds() {
  const Bytes images = {0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 2, 1, 2, 3, 4, 5, 6, 7, 255};
  const Bytes labels = {0, 0, 8, 1, 0, 0, 0, 2, 9, 0};
  return {joined(images, labels)};
}

}  // namespace

Target idx_target() { return {"idx", run, seeds}; }

}  // namespace gradmint::fuzz
