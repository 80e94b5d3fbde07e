// A block as it lies in the store, each part in its encoded form.
#pragma once

#include "ledger/bytes.h"

namespace gradmint {

struct StoredBlock {
  Bytes header, transactions, certificate, receipts;
};

}  // namespace gradmint
