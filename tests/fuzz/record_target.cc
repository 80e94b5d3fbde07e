#include <algorithm>

#include "kernels/base/check.h"
#include "tests/fuzz/target.h"
#include "tests/ledger/samples.h"

namespace gradmint::fuzz {
namespace {

const std::vector<test::Sample>& samples() {
  static const std::vector<test::Sample> all = test::record_samples();
  return all;
}

// The first byte says which record; what is taken has one form.
void run(ByteView input) {
  if (input.empty() || input[0] >= samples().size()) return;
  const ByteView body = input.subspan(1);
  const auto again = samples()[input[0]].again(body);
  if (again) GRADMINT_CHECK(std::equal(again->begin(), again->end(), body.begin(), body.end()));
}

std::vector<Bytes> seeds() {
  std::vector<Bytes> out;
  for (std::size_t i = 0; i < samples().size(); ++i) {
    Bytes seed{static_cast<std::uint8_t>(i)};
    seed.insert(seed.end(), samples()[i].bytes.begin(), samples()[i].bytes.end());
    out.push_back(std::move(seed));
  }
  return out;
}

}  // namespace

Target record_target() { return {"record", run, seeds}; }

}  // namespace gradmint::fuzz
