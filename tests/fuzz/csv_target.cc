#include <cmath>

#include "kernels/base/check.h"
#include "tests/fuzz/target.h"
#include "worker/data/parse.h"

namespace gradmint::fuzz {
namespace {

void check(const Result<Dataset>& data) {
  if (!data) return GRADMINT_CHECK(data.error().message.find('\n') == std::string::npos);
  GRADMINT_CHECK(data->rows() > 0 && data->features.size() == data->rows() * data->columns());
  for (const float value : data->features) GRADMINT_CHECK(std::isfinite(value));
  for (const std::int32_t label : data->labels) {
    GRADMINT_CHECK(label >= 0 && static_cast<std::size_t>(label) < data->classes.size());
  }
}

// The first byte chooses the options.
void run(ByteView input) {
  if (input.empty()) return;
  CsvOptions options;
  options.task = (input[0] & 1) != 0 ? Task::regression : Task::classification;
  options.scale = (input[0] & 2) != 0 ? CsvScale::none : CsvScale::standard;
  if ((input[0] & 4) != 0) options.label = "label";
  const auto data = parse_csv(text_of(input.subspan(1)), "data.csv", options);
  check(data);
  if (data) {  // by its own contract it is the same
    CsvOptions site;
    site.contract = DataContract::decode(data->contract.encode()).value();
    const auto again = parse_csv(text_of(input.subspan(1)), "data.csv", site);
    GRADMINT_CHECK(again.ok());
    GRADMINT_CHECK(again->features == data->features && again->labels == data->labels &&
                   again->targets == data->targets);
  }
  if ((input[0] & 8) != 0) check(parse_digits(text_of(input.subspan(1)), "digits.csv"));
}

std::vector<Bytes> seeds() {
  std::vector<Bytes> out;
  for (const int options : {0, 1, 2, 4, 5, 8}) {
    out.push_back(bytes_of(std::string(1, static_cast<char>(options)) +
                           "age,bmi,label\n1,2.5,ill\n3,-4e2,well\n\"5\",6,\"ill, chronic\"\n"));
    out.push_back(bytes_of(std::string(1, static_cast<char>(options)) + "0,1,2\r\n3,4,5\r\n"));
  }
  return out;
}

}  // namespace

Target csv_target() { return {"csv", run, seeds}; }

}  // namespace gradmint::fuzz
