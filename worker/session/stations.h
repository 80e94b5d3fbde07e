// What the work of a round uses during one step. Pure.
#pragma once

#include "worker/session/blob_fetch.h"
#include "worker/session/header_chain.h"
#include "worker/session/transaction_desk.h"
#include "worker/session/update_upload.h"

namespace gradmint::session {

struct Stations {
  const HeaderChain& chain;
  TransactionDesk& desk;
  BlobFetch& blobs;
  UpdateUpload& upload;
  Outgoing& out;
};

inline std::uint64_t model_bytes(const GenesisRecord& genesis) {
  return genesis.task.size.values() * sizeof(float);
}

}  // namespace gradmint::session
