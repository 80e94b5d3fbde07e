// What admitted workers ask during rounds: the round's state, models to fetch, updates to reveal.
#pragma once

#include <map>

#include "coordinator/intake/uploads.h"
#include "coordinator/server/join_desk.h"
#include "coordinator/server/round_driver.h"

namespace gradmint {

class WorkDesk {
 public:
  WorkDesk(Orderer& orderer, RoundDriver& driver, const Reporter& reporter, const Home& home)
      : orderer_(orderer),
        driver_(driver),
        reporter_(reporter),
        blobs_(home.blob_store()),
        uploads_(home.incoming(), home.blob_store()) {}

  // Nothing when the message is not this desk's. More than one message may answer a chunk.
  std::optional<std::vector<DeskAnswer>> answer(const Inbound& inbound, std::uint64_t now_ms);

  // As many hold a worker's opening as its receipt promises: the answer to whoever waits for it.
  struct LateAnswer {
    Inbound asked;
    DeskAnswer answer;
  };
  std::optional<LateAnswer> acknowledged(const Acknowledgement& acknowledgement,
                                         std::uint64_t now_ms);

  // Workers that asked for the round's state; they are told whenever it changes.
  const std::map<Peer, AccountId>& subscribers() const { return subscribers_; }
  void forget(const Peer& peer) {
    subscribers_.erase(peer);
    standing_told_.erase(peer);
  }
  // Why this worker takes no part at the moment, where it was not told yet over this connection.
  std::optional<Notice> standing_news(const Peer& peer, const AccountId& worker);
  RoundState round_state(const AccountId& worker, std::uint64_t now_ms) const;
  // Drops unfinished uploads once nobody may reveal any more.
  void round_moved_on();
  // The disk refused: nothing more can be acknowledged.
  const std::string& storage_failure() const { return storage_failure_; }

 private:
  using Answers = std::vector<DeskAnswer>;
  Answers on(const GetBlob& request);
  Answers on(const RevealUpdate& request, const Inbound& inbound, std::uint64_t now_ms);
  Answers on(const UpdateChunk& request, const Inbound& inbound, std::uint64_t now_ms);
  Answers take(const Reveal& reveal, const Inbound& inbound, Answers answers);
  void on(const Progress& progress, const AccountId& worker, std::uint64_t now_ms);
  void on(const GiveUp& given_up, const AccountId& worker, std::uint64_t now_ms);
  Answers refused(Verdict verdict, const Reveal& reveal, std::uint64_t now_ms);
  void await_receipt(const Inbound& inbound);
  Answers receipt(const Acknowledgement& acknowledgement);
  Answers storage_failed(const Error& error);
  bool may_fetch(const Hash& root) const;
  std::string standing_of(const AccountId& worker) const;

  Orderer& orderer_;
  RoundDriver& driver_;
  const Reporter& reporter_;
  BlobStore blobs_;
  Uploads uploads_;
  std::map<Peer, AccountId> subscribers_;
  std::map<Peer, std::string> standing_told_;
  std::map<AccountId, Reveal> revealing_;        // admitted, payload on its way
  std::map<AccountId, Inbound> awaits_receipt_;  // its newest word, without the payload
  std::map<Hash, std::shared_ptr<MappedFile>> mapped_;
  std::map<AccountId, std::uint64_t> progress_ms_;  // when last shown
  std::string storage_failure_;
};

}  // namespace gradmint
