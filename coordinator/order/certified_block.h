// A block and the votes that make it final.
#pragma once

#include "ledger/block.h"

namespace gradmint {

struct CertifiedBlock {
  Block block;
  Certificate certificate;
};

}  // namespace gradmint
