// What anybody who knows the coordinator's CURVE key may ask: hello, genesis, headers, accounts,
// registration and signed transfers. Answers at once, or takes a ticket for the next block.
#pragma once

#include "coordinator/order/orderer.h"
#include "coordinator/protocol/server_end.h"
#include "coordinator/server/invitations.h"
#include "kernels/base/clock.h"

namespace gradmint {

// An answer now (with its payload), or none yet: the transaction waits for its block.
struct DeskAnswer {
  std::optional<Message> message;
  Payload payload;
};

class JoinDesk {
 public:
  JoinDesk(Orderer& orderer, Invitations invitations, std::string revision, const Clock& clock)
      : orderer_(orderer),
        invitations_(std::move(invitations)),
        revision_(std::move(revision)),
        clock_(clock) {}

  // Nothing when the message is not this desk's.
  std::optional<DeskAnswer> answer(const Inbound& inbound, std::uint64_t ticket, bool admitted,
                                   const std::string& work_endpoint);

  // Queues encoded transaction bytes under a ticket; an immediate answer when they cannot stand or
  // already do. `as`: the account the connection speaks for, or nothing where
  // any signer will do.
  DeskAnswer submit(ByteView bytes, std::uint64_t ticket, const Source& source,
                    const std::optional<AccountId>& as);

 private:
  DeskAnswer on(const Hello& hello, bool admitted, const std::string& work_endpoint);
  std::optional<Refusal> refused_code(const Hash& code_hash) const;
  DeskAnswer on(const GetGenesis&);
  DeskAnswer on(const GetHeaders& request);
  DeskAnswer on(const GetAccount& request);
  DeskAnswer on(const GetInvitation& request);
  DeskAnswer scaler();
  DeskAnswer on(const Register& request, const Inbound& inbound, std::uint64_t ticket);
  DeskAnswer on(const SubmitTransaction& request, const Inbound& inbound, std::uint64_t ticket);

  Orderer& orderer_;
  Invitations invitations_;
  std::string revision_;
  const Clock& clock_;
  std::optional<FixedScaler> scaler_;  // once it was asked for and there
  Payload scaler_transaction_;
};

TransactionResult transaction_result(const Hash& id, Verdict verdict, std::uint64_t height);

}  // namespace gradmint
