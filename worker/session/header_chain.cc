#include "worker/session/header_chain.h"

#include <algorithm>

#include "ledger/chain.h"

namespace gradmint::session {

Result<HeaderChain> HeaderChain::start(ByteView bytes, const Hash& chain_id) {
  if (std::string fault = genesis_schema_fault(bytes); !fault.empty()) {
    return Error{ErrorCode::bad_input, "the coordinator's genesis cannot be read: " + fault};
  }
  const auto genesis = decode_record<GenesisRecord>(bytes);
  if (!genesis) {
    return Error{ErrorCode::corrupt,
                 "the coordinator's genesis record is damaged: ask its operator"};
  }
  if (genesis->chain_id() != chain_id) {
    return Error{ErrorCode::bad_input, "the coordinator runs chain " + to_hex(genesis->chain_id()) +
                                           ", the invitation is for " + to_hex(chain_id) +
                                           ": ask for a new invitation"};
  }
  auto chain = Chain::start(*genesis);
  if (!chain) {
    return Error{ErrorCode::bad_input,
                 "the genesis cannot be followed here: " + chain.error().message};
  }
  HeaderChain headers;
  headers.genesis_ = *genesis;
  headers.tip_ = chain->tip();
  headers.hashes_.push_back(chain->tip_hash());
  headers.frontier_.append(merkle_leaf_hash(chain->tip_hash().view()));
  return headers;
}

Verdict HeaderChain::check_links(const Header& header) const {
  if (header.epoch != tip_.epoch) return Verdict::wrong_epoch;
  if (header.time_ms <= tip_.time_ms) return Verdict::wrong_time;
  if (header.history_root != frontier_.root()) return Verdict::wrong_history_root;
  if (header.validators_hash != tip_.next_validators_hash ||
      header.next_validators_hash != header.validators_hash) {
    return Verdict::wrong_validators;
  }
  if (header.params_hash != tip_.params_hash) return Verdict::wrong_params;
  return Verdict::ok;
}

HeaderJudgement HeaderChain::offer(const CertifiedHeader& offered) {
  const auto header = decode_record<Header>(offered.header);
  if (!header) return {HeaderOutcome::broken, Verdict::malformed, 0};
  HeaderJudgement judgement{HeaderOutcome::broken, Verdict::ok, header->height};
  const Hash hash = header->hash();
  if (hash_at(header->height) == hash) {
    judgement.outcome = HeaderOutcome::known;
    return judgement;
  }
  const auto certificate = decode_record<Certificate>(offered.certificate);
  judgement.verdict = header->chain_id != tip_.chain_id ? Verdict::wrong_chain
                      : !certificate
                          ? Verdict::bad_certificate
                          : verify_certificate(*certificate, *header, genesis_.validators);
  if (judgement.verdict != Verdict::ok) return judgement;
  if (header->height <= height()) {
    judgement.outcome = HeaderOutcome::fork;
  } else if (header->height > height() + 1) {
    judgement.outcome = HeaderOutcome::gap;
  } else if (header->parent_hash != tip_hash()) {
    judgement.outcome = HeaderOutcome::fork_below;
  } else if (judgement.verdict = check_links(*header); judgement.verdict == Verdict::ok) {
    tip_ = *header;
    newest_ = offered;
    hashes_.push_back(hash);
    frontier_.append(merkle_leaf_hash(hash.view()));
    judgement.outcome = HeaderOutcome::appended;
  }
  return judgement;
}

std::optional<Hash> HeaderChain::hash_at(std::uint64_t height) const {
  if (height >= hashes_.size()) return std::nullopt;
  return hashes_[height];
}

bool HeaderChain::contains(const Hash& block_hash) const {
  return std::find(hashes_.rbegin(), hashes_.rend(), block_hash) != hashes_.rend();
}

}  // namespace gradmint::session
