// What the coordinator says, taken message by message.
#include <algorithm>

#include "contracts/amount.h"
#include "worker/session/cases.h"
#include "worker/session/session.h"

namespace gradmint::session {
namespace {

constexpr std::uint64_t kLaterMs = 1000;
constexpr unsigned kMostDamagedGeneses = 5;
constexpr std::uint64_t kBrokenHeadersAgainMs = 30'000;

}  // namespace

Verdict Session::arrived(const Arrived& arrived, Outgoing& out) {
  if (arrived.link != link_.number) return Verdict::ok;
  if (arrived.ask != 0 && !asks_.answered(arrived.ask)) return Verdict::ok;  // asked anew since
  const Ask about = Asks::kind_of(arrived.ask);
  if (fork_) {
    if (about == Ask::fork) leave_fork(std::holds_alternative<Pong>(arrived.message), out);
    return Verdict::ok;
  }
  return std::visit(
      Cases{
          [&](const Welcome& m) { return take(m, out); },
          [&](const Refusal& m) {
            take(m, about, out);
            return Verdict::ok;
          },
          [&](const Genesis&) { return take(arrived.payload, out); },
          [&](const Headers& m) { return take(m, out); },
          [&](const TransactionResult& m) { return take(m, out); },
          [&](const AccountState& m) {
            take(m, out);
            return Verdict::ok;
          },
          [&](const RoundState& m) {
            round_heard_ms_ = out.now_ms();
            heard_of_tip(m.tip_height, m.tip_hash);
            return work_.take(m, out);
          },
          [&](const FixedScaler& m) {
            return chain_ ? scaler_.take(m, arrived.payload.view(), *chain_, out) : Verdict::ok;
          },
          [&](const BlobChunk& m) { return blobs_.take(m, arrived.payload, out); },
          [&](const RevealAccepted& m) { return upload_.take(m, out); },
          [&](const ChunkAck& m) { return upload_.take(m, out); },
          [&](const Receipt& m) {
            return chain_ ? work_.take(m, *chain_, upload_, out) : Verdict::ok;
          },
          [&](const Notice& m) {
            take(m, out);
            return Verdict::ok;
          },
          [](const auto&) { return Verdict::unknown_message; },  // what a coordinator never says
      },
      arrived.message);
}

Verdict Session::take(const Welcome& welcome, Outgoing& out) {
  if (welcome.chain_id != config_->chain_id) {
    stop(kExitBadInput,
         "the coordinator at " + link_.endpoint + " runs chain " + to_hex(welcome.chain_id) +
             ", this worker belongs to " + to_hex(config_->chain_id) +
             ": ask for a new invitation and use another home",
         out);
    return Verdict::wrong_chain;
  }
  const bool first = !link_.welcome.has_value();
  link_.welcome = welcome;
  link_.welcomed_ms = out.now_ms();
  heard_of_tip(welcome.tip_height, welcome.tip_hash);
  if (first && link_.gate == Gate::work) {
    unreachable_wait_ms_ = 0;
    out.say("connected to " + link_.endpoint);
  }
  return Verdict::ok;
}

Verdict Session::take(const Payload& genesis, Outgoing& out) {
  if (chain_) return Verdict::ok;
  auto chain = HeaderChain::start(genesis.view(), config_->chain_id);
  if (!chain) {
    // What cannot even be read may have been cut short on its way.
    const bool damaged = chain.error().code == ErrorCode::corrupt;
    if (damaged && ++damaged_geneses_ < kMostDamagedGeneses) {
      out.hold_back(Ask::genesis, kLaterMs);
      return Verdict::malformed;
    }
    stop(damaged ? kExitFault : kExitBadInput, chain.error().message, out);
    return Verdict::wrong_chain;
  }
  chain_.emplace(std::move(chain).value());
  out.effect(SaveGenesis{Bytes(genesis.view().begin(), genesis.view().end())});
  return Verdict::ok;
}

void Session::heard_of_tip(std::uint64_t height, const Hash& hash) {
  if (!chain_ || height > chain_->height()) {
    tip_height_ = std::max(tip_height_, height);
  } else if (chain_->hash_at(height) != hash) {
    check_height_ = height;  // a fork, unless its own header says otherwise
  }
}

Verdict Session::take(const Headers& headers, Outgoing& out) {
  if (!chain_) return Verdict::ok;
  check_height_.reset();
  if (headers.headers.empty()) {
    tip_height_ = chain_->height();
    out.hold_back(Ask::headers, kLaterMs);
  }
  const std::uint64_t before = chain_->height();
  for (const CertifiedHeader& header : headers.headers) {
    const Verdict verdict = take_header(header, out);
    if (verdict != Verdict::ok || fork_) return verdict;
  }
  if (chain_->height() == before) out.hold_back(Ask::headers, kLaterMs);
  return Verdict::ok;
}

Verdict Session::take_header(const CertifiedHeader& header, Outgoing& out) {
  const HeaderJudgement judged = chain_->offer(header);
  switch (judged.outcome) {
    case HeaderOutcome::appended:
      out.effect(SaveHeader{judged.height, header});
      return Verdict::ok;
    case HeaderOutcome::known:
    case HeaderOutcome::gap:
      return Verdict::ok;
    case HeaderOutcome::fork_below:
      check_height_ = judged.height - 1;
      return Verdict::wrong_parent;
    case HeaderOutcome::fork:
      forked(judged.height, header, out);
      return Verdict::wrong_parent;
    case HeaderOutcome::broken:
      break;
  }
  out.hold_back(Ask::headers, kLaterMs);
  if (broken_headers_told_ms_ == 0 ||
      out.now_ms() >= broken_headers_told_ms_ + kBrokenHeadersAgainMs) {
    broken_headers_told_ms_ = out.now_ms();
    out.warn("the coordinator sent the header of block " + std::to_string(judged.height) +
             ", which does not hold: " + std::string(verdict_name(judged.verdict)));
  }
  return judged.verdict;
}

Verdict Session::take(const TransactionResult& result, Outgoing& out) {
  if (result.verdict == 0) tip_height_ = std::max(tip_height_, result.height);
  if (const auto what = desk_.take(result, out)) settled(*what, out);
  return Verdict::ok;
}

void Session::take(const AccountState& account, Outgoing& out) {
  if (account.account != config_->key.account()) return;
  desk_.take(account);
  account_ = account;
  if (account.registered && registered_ms_ == 0) registered_ms_ = out.now_ms();
  const std::uint64_t before = balance_told_.value_or(account.balance);
  balance_told_ = account.balance;
  if (account.balance != before) {
    const bool more = account.balance > before;
    const std::uint64_t change = more ? account.balance - before : before - account.balance;
    out.say(std::string(more ? "received " : "spent ") + contracts::format_amount(change) +
            " tokens, balance " + contracts::format_amount(account.balance));
  }
}

void Session::take(const Notice& notice, Outgoing& out) {
  const std::string about = notice.text.empty() ? "" : ": " + notice.text;
  switch (notice.kind) {
    case NoticeKind::paused:
      out.say("the coordinator is paused");
      break;
    case NoticeKind::resumed:
      out.say("the coordinator goes on");
      break;
    case NoticeKind::stopping:
      out.say("the coordinator stops; this worker waits for it to come back");
      break;
    case NoticeKind::standing:
      out.say(notice.text);
      break;
    case NoticeKind::outcome:
      out.say("round " + std::to_string(notice.round) + about);
      out.ask(Ask::account, GetAccount{config_->key.account()});
      break;
    case NoticeKind::finished:
      if (finishing_since_ms_ != 0) break;
      finishing_since_ms_ = out.now_ms();
      account_.reset();  // the last round's tokens are on it
      break;
  }
}

void Session::take(const Refusal& refusal, Ask about, Outgoing& out) {
  const std::string why = refusal.name + (refusal.detail.empty() ? "" : ": " + refusal.detail);
  switch (refusal.code) {
    case RefusalCode::wrong_version:
      return stop(kExitFault, "the coordinator speaks another protocol version: " + why, out);
    case RefusalCode::unknown_chain:
      return stop(kExitBadInput, "the coordinator does not run this worker's chain: " + why, out);
    case RefusalCode::bad_invitation:
      return stop(kExitBadInput, "the invitation was refused: " + why, out);
    default:
      break;
  }
  if (about == Ask::blob) return blobs_.refused(out, why);
  if (about == Ask::reveal || about == Ask::chunk) {
    work_.reveal_refused(refusal.code, why, upload_, out);
    out.hold_back(Ask::reveal, kLaterMs);
    return;
  }
  if (about == Ask::none) return;
  out.hold_back(about, kLaterMs);
  if (refusal.code != RefusalCode::rate_limited && refusal.code != RefusalCode::overloaded) {
    out.warn("the coordinator refused: " + why);
  }
}

}  // namespace gradmint::session
