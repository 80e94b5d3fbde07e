// Where accounts are asked about and transactions handed in: a coordinator over the network, or the
// one of a home directory over its socket. One thread.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "kernels/base/result.h"
#include "ledger/transaction.h"

namespace gradmint {

struct AccountView {
  std::uint64_t nonce = 0, balance = 0;  // balance in base units
  bool exists = false;
  std::uint64_t height = 0;  // of the newest block
  Hash tip_hash, chain_id;
};

struct Submitted {
  std::string verdict;  // "ok": it stands in block `height`
  std::uint64_t height = 0;
  Hash txid;
  std::string detail;
};

class AccountPeer {
 public:
  virtual ~AccountPeer() = default;
  virtual Result<AccountView> account(const AccountId& id) = 0;
  virtual Result<Submitted> submit(const SignedTransaction& transaction) = 0;
};

// A worker's or a coordinator's home: whose it is, and how to reach the coordinator.
struct AccountHome {
  std::filesystem::path keystore;
  AccountId account;
  std::unique_ptr<AccountPeer> peer;
};

// not_found: neither kind of home. Connects on the first question.
Result<AccountHome> open_account_home(const std::filesystem::path& home);

}  // namespace gradmint
