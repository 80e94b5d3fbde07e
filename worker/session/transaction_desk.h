// Signs and submits this worker's statements, one at a time, and sends the same bytes again until
// it has heard what became of them. Strict nonces: whenever there is doubt, it asks for the account
// first. Pure, not thread safe.
#pragma once

#include <array>
#include <optional>

#include "ledger/transaction.h"
#include "worker/session/outgoing.h"

namespace gradmint::session {

struct Anchor {  // the newest block this worker has verified
  std::uint64_t height = 0;
  Hash hash;
};

struct Settled {  // what became of a statement
  TxType type = TxType::transfer;
  Bytes body;
  Verdict verdict = Verdict::ok;
  std::string detail;
};

class TransactionDesk {
 public:
  TransactionDesk(const SecretKey& key, const Hash& chain_id, std::array<std::uint8_t, 16> code)
      : key_(key), chain_id_(chain_id), code_(code) {}

  // Puts a statement on the desk. The one already there stays as it is; another one takes its
  // place, and the nonce is asked for anew.
  void want(TxType type, Bytes body);
  bool idle() const { return !pending_.has_value(); }
  void clear();  // what lies there is no longer wanted

  void advance(Outgoing& out, const Anchor& anchor);
  void take(const AccountState& account);
  // Nothing: not about the statement on the desk, or it must be tried again.
  std::optional<Settled> take(const TransactionResult& result, Outgoing& out);

 private:
  struct Pending {
    TxType type;
    Bytes body;
    std::optional<SignedTransaction> signed_form;
  };
  SecretKey key_;
  Hash chain_id_;
  std::array<std::uint8_t, 16> code_;
  std::optional<std::uint64_t> nonce_;
  std::optional<Pending> pending_;
};

}  // namespace gradmint::session
