#include <cmath>

#include "kernels/base/check.h"
#include "ledger/json_input.h"
#include "ledger/model/data_contract.h"
#include "ledger/model/safetensors.h"
#include "tests/fuzz/target.h"

namespace gradmint::fuzz {
namespace {

ModelLayout small_layout() {
  return ModelLayout::create({{"layer.weight", {2, 3}, false}, {"layer.mean", {3}, true}}).value();
}

DataContract small_contract() {
  DataContract contract;
  contract.task = "regression";
  contract.columns = {{"age", ColumnType::integer, {54.5F, 0.1F}}};
  contract.label = "price";
  contract.target = {250'000, 1e-6F};
  return contract;
}

void run(ByteView input) {
  static_cast<void>(parse_safetensors(input));
  if (const auto model = read_safetensors(input)) {
    GRADMINT_CHECK(model->parameters.size() == model->layout.value_count());
  }
  if (const auto layout = ModelLayout::decode(text_of(input))) {
    GRADMINT_CHECK(layout->encode() == text_of(input));
  }
  if (const auto contract = DataContract::decode(text_of(input))) {
    GRADMINT_CHECK(contract->encode() == text_of(input));
  }
  static_cast<void>(parse_untrusted_json(text_of(input)));
}

std::vector<Bytes> seeds() {
  const ModelLayout layout = small_layout();
  const std::vector<float> values(layout.value_count(), 0.5F);
  return {write_safetensors(layout, values), bytes_of(layout.encode()),
          bytes_of(small_contract().encode()),
          bytes_of(R"({"examples": 100, "loss": 0.25, "a": [1, 2, {"b": null}]})")};
}

}  // namespace

Target tensors_target() { return {"tensors", run, seeds}; }

}  // namespace gradmint::fuzz
