#include "coordinator/server/history_desk.h"

#include <spdlog/spdlog.h>

#include <algorithm>

namespace gradmint {
namespace {

std::string named(std::uint64_t height, const Hash& hash) {
  return "block " + std::to_string(height) + " (" + to_hex(hash).substr(0, 16) + "…)";
}

bool is_proven(const JudgedClaim& judged) {
  return judged.claim == Claim::ahead || judged.claim == Claim::other_block;
}

}  // namespace

JudgedClaim judge_claim(const CertifiedHeader& claimed, const Chain& chain) {
  JudgedClaim judged;
  if (claimed.header.empty()) return judged;
  judged.claim = Claim::unproven;
  const auto header = decode_record<Header>(claimed.header);
  if (!header || header->chain_id != chain.chain_id()) return judged;
  judged.height = header->height;
  judged.block_hash = header->hash();
  const bool ahead = header->height > chain.height();
  if (!ahead && chain.history()[header->height] == judged.block_hash) {
    judged.claim = Claim::known;
    return judged;
  }
  const auto certificate = decode_record<Certificate>(claimed.certificate);
  if (!certificate ||
      verify_certificate(*certificate, *header, chain.genesis().validators) != Verdict::ok) {
    return judged;
  }
  judged.claim = ahead ? Claim::ahead : Claim::other_block;
  return judged;
}

std::optional<Refusal> HistoryDesk::hear(const Hello& hello, const Inbound& inbound) {
  const Chain& chain = orderer_.chain();
  if (hello.chain_id != chain.chain_id()) return std::nullopt;
  const JudgedClaim judged = judge_claim(hello.newest, chain);
  if (judged.claim == Claim::known) {
    if (const auto account = account_of(inbound); account && !members_heard_)
      heard_.insert(*account);
    return std::nullopt;
  }
  if (judged.claim == Claim::unproven) {
    return refuse(RefusalCode::malformed,
                  "the newest block that this Hello names is not certified by this chain's "
                  "validators: remove headers.log, headers are fetched again");
  }
  stop_signing(judged, hello.newest, name_of(inbound));
  if (judged.claim == Claim::other_block) return std::nullopt;
  return refuse(RefusalCode::failed,
                "this coordinator's ledger ends with block " + std::to_string(chain.height()) +
                    " and lacks " + named(judged.height, judged.block_hash) +
                    ", which you hold and it has signed: it stops until its operator has "
                    "restored the newest ledger");
}

Message HistoryDesk::answer(const ReportFork& report, const Inbound& inbound) {
  const Chain& chain = orderer_.chain();
  const JudgedClaim first = judge_claim(report.first, chain);
  const JudgedClaim second = judge_claim(report.second, chain);
  const bool two = first.claim != Claim::unproven && second.claim != Claim::unproven &&
                   first.height == second.height && first.block_hash != second.block_hash;
  // Beside the genesis block, which everybody has, one other is enough.
  const bool beside_genesis =
      report.first.header.empty() && second.claim == Claim::other_block && second.height == 0;
  if (!beside_genesis && (report.first.header.empty() || !two)) {
    return refuse(RefusalCode::malformed,
                  "these are not two certified blocks of this chain at one height");
  }
  const std::string who = name_of(inbound);
  const Hash& other = beside_genesis ? chain.history().front() : first.block_hash;
  const std::string text = who + " has found a fork and stopped: this validator's key has signed " +
                           named(second.height, second.block_hash) + " and " +
                           named(second.height, other) + "; it keeps both headers";
  spdlog::info("{}", text);
  reporter_.emit({{"event", "warning"},
                  {"text", text},
                  {"height", second.height},
                  {"first", to_hex(other)},
                  {"second", to_hex(second.block_hash)}});
  // At least one of two blocks at one height is not this ledger's.
  if (is_proven(second)) {
    stop_signing(second, report.second, who);
  } else {
    stop_signing(first, report.first, who);
  }
  return Pong{};
}

bool HistoryDesk::members_heard(std::uint64_t now_ms) {
  if (members_heard_) return true;
  if (hear_until_ms_ == 0) hear_until_ms_ = now_ms + kHearMembersMs;
  const std::vector<AccountId> members = members_of(orderer_.chain().state());
  members_heard_ = now_ms >= hear_until_ms_ ||
                   std::all_of(members.begin(), members.end(),
                               [this](const AccountId& member) { return heard_.contains(member); });
  if (members_heard_) heard_.clear();
  return members_heard_;
}

std::optional<AccountId> HistoryDesk::account_of(const Inbound& inbound) const {
  const auto owner = orderer_.chain().state().find(state_key::curve_key(inbound.curve_key));
  AccountId account;
  if (!owner || owner->size() != account.bytes.size()) return std::nullopt;
  std::copy(owner->begin(), owner->end(), account.bytes.begin());
  return account;
}

std::string HistoryDesk::name_of(const Inbound& inbound) const {
  const auto account = account_of(inbound);
  if (!account) return "a peer at " + inbound.address;
  const auto record = get<AccountRecord>(orderer_.chain().state(), state_key::account(*account));
  const std::string name = record && !record->name.empty() ? record->name + " " : "";
  return "worker " + name + "(" + address_of(*account) + ")";
}

void HistoryDesk::stop_signing(const JudgedClaim& claim, const CertifiedHeader& header,
                               const std::string& who) {
  const std::uint64_t vouched = orderer_.signer().vouched_height();  // 0: for none
  if (conflict_ || (vouched > 0 && claim.height <= vouched)) return;
  const std::uint64_t tip = orderer_.chain().height();
  std::string text = who + " holds " + named(claim.height, claim.block_hash) +
                     ", which this validator's key has signed; ";
  if (claim.claim == Claim::ahead) {
    text += "the ledger in " + home_.ledger().string() + " ends with block " + std::to_string(tip) +
            ", so it is an old copy";
  } else {
    text += "the ledger in " + home_.ledger().string() + ", which ends with block " +
            std::to_string(tip) + ", has another there, so the key has signed two histories";
  }
  text +=
      ". Nothing more is signed: restore the newest copy of this home (docs/operations.md, A "
      "backup older than what workers have seen)";
  if (claim.claim == Claim::other_block) {
    text +=
        "; or, if this ledger's history is the one that holds: gradmint coordinator vouch "
        "--height " +
        std::to_string(tip);
  }
  spdlog::info("{}", text);
  reporter_.emit({{"event", "warning"},
                  {"text", text},
                  {"height", claim.height},
                  {"block", to_hex(claim.block_hash)},
                  {"tip", tip}});
  const Status kept = orderer_.signer().keep_other_history(claim.height, claim.block_hash,
                                                           header.header, header.certificate);
  if (!kept.ok()) spdlog::error("{}", kept.error().message);  // a worker will show it again
  conflict_ = Error{ErrorCode::refused, text};
}

}  // namespace gradmint
