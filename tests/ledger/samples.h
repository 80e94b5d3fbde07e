// One example of every record that is signed, hashed or stored, with every field set to something.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "ledger/bytes.h"

namespace gradmint::test {

struct Sample {
  std::string name;
  Bytes bytes;
  // Decodes and encodes again; nothing where the decoder refuses.
  std::function<std::optional<Bytes>(ByteView)> again;
};

std::vector<Sample> record_samples();

}  // namespace gradmint::test
