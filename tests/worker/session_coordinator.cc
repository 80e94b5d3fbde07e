#include "tests/worker/session_coordinator.h"

#include <algorithm>
#include <bit>

#include "ledger/hash.h"
#include "ledger/merkle.h"
#include "tests/ledger/scaler_world.h"

namespace gradmint::test {
namespace {

WorldOptions world_options(const SessionCoordinator::Options& options) {
  WorldOptions world;
  world.workers = 0;
  world.parameters = options.parameters;
  world.enrolment = Enrolment::invitation;
  world.evaluation_blocks = 1000;  // no attestation is left out
  return options.sites_scale ? world_with_sites(world) : world;
}

template <class T>
std::optional<T> body_of(const SignedTransaction& tx, TxType type) {
  if (tx.transaction.type != type) return std::nullopt;
  return decode_record<T>(tx.transaction.body);
}

}  // namespace

SessionCoordinator::SessionCoordinator(const Options& options)
    : world(world_options(options)), options_(options) {}

TransactionResult SessionCoordinator::submit(ByteView bytes) {
  SignedTransaction tx;
  TransactionResult result;
  if (const Verdict v = decode_transaction(bytes, tx); v != Verdict::ok) {
    result.verdict = static_cast<std::uint16_t>(v);
    return result;
  }
  result.txid = tx.id;
  const AccountId& sender = tx.transaction.sender;
  if (const auto commit = body_of<CommitUpdate>(tx, TxType::commit_update)) {
    commitments[{sender, {commit->round, commit->attempt}}].insert(commit->commitment);
  }
  if (const auto commit = body_of<CommitEvaluation>(tx, TxType::commit_evaluation)) {
    evaluations[{sender, commit->round}].insert(commit->commitment);
  }
  if (tx.transaction.type == TxType::state_sums) sums[sender].insert(sha256(tx.transaction.body));
  if (standing_.contains(tx.id)) return result;  // its answer was lost
  const Verdict verdict = world.chain.check(tx);
  result.verdict = static_cast<std::uint16_t>(verdict);
  if (verdict != Verdict::ok) return result;
  world.play({tx});
  standing_.insert(tx.id);
  result.height = world.chain.height();
  ++version_;
  if (const auto body = body_of<RegisterWorker>(tx, TxType::register_worker)) {
    admitted_.insert(body->curve_key);
  }
  return result;
}

std::vector<SessionReply> SessionCoordinator::answer(const AccountId& account,
                                                     const Hash& curve_key, const Message& message,
                                                     const Payload& payload, std::uint64_t now_ms) {
  const Chain& chain = world.chain;
  if (std::get_if<Hello>(&message)) {
    return {{Welcome{chain.chain_id(), chain.height(), chain.tip_hash(), "tcp://*:7701", "test",
                     admitted_.contains(curve_key)},
             {}}};
  }
  if (std::get_if<GetGenesis>(&message)) {
    return {{Genesis{chain.chain_id()}, Payload::of(encode_record(world.genesis))}};
  }
  if (const auto* m = std::get_if<GetHeaders>(&message)) {
    Headers headers;
    headers.from_height = m->from_height;
    for (std::uint64_t h = m->from_height; h < m->from_height + m->count; ++h) {
      if (h == 0 || h > chain.height()) continue;
      const PlayedBlock& block = world.played[h - 1];
      headers.headers.push_back(
          {encode_record(block.draft.block.header), encode_record(block.certificate)});
    }
    return {{headers, {}}};
  }
  if (const auto* m = std::get_if<GetAccount>(&message)) {
    const auto record = get<AccountRecord>(chain.state(), state_key::account(m->account));
    AccountState state{m->account, chain.height(), 0, 0, record.has_value(), false};
    if (record) {
      state.nonce = record->nonce;
      state.balance = record->balance;
      state.registered = record->is_worker;
    }
    return {{state, {}}};
  }
  if (const auto* m = std::get_if<Register>(&message)) return {{submit(m->transaction), {}}};
  if (const auto* m = std::get_if<SubmitTransaction>(&message)) {
    return {{submit(m->transaction), {}}};
  }
  if (std::get_if<GetScaler>(&message)) return {scaler()};
  if (std::get_if<GetRound>(&message)) return {{round_state(account, now_ms), {}}};
  if (const auto* m = std::get_if<GetBlob>(&message)) {
    const auto blob = world.blobs.find(m->root);
    if (blob == world.blobs.end()) return {{refuse(RefusalCode::not_found, "no such blob"), {}}};
    const ByteView rest = ByteView(blob->second).subspan(m->offset_bytes);
    const ByteView part = rest.first(std::min<std::size_t>(rest.size(), m->length_bytes));
    return {{BlobChunk{m->root, m->offset_bytes, blob->second.size()},
             Payload::of(Bytes(part.begin(), part.end()))}};
  }
  if (const auto* m = std::get_if<RevealUpdate>(&message)) return reveal(account, *m);
  if (const auto* m = std::get_if<UpdateChunk>(&message)) {
    return chunk(account, *m, payload.view());
  }
  return {};
}

SessionReply SessionCoordinator::scaler() const {
  const auto fixed = fixed_scaler(world.chain.state());
  if (!fixed) return {refuse(RefusalCode::not_now, "no scaler is fixed"), {}};
  const PlayedBlock& block = world.played[fixed->height - 1];
  const auto& transactions = block.draft.block.transactions;
  GRADMINT_CHECK(transactions.size() == 1);
  const CertifiedHeader header{encode_record(block.draft.block.header),
                               encode_record(block.certificate)};
  return {FixedScaler{header, 0, 1, {}}, Payload::of(Bytes(transactions[0].bytes))};
}

SessionReply SessionCoordinator::receipt(const AccountId& account, const Upload& upload) const {
  const Signature signature = world.validator().sign(
      receipt_digest(world.chain.chain_id(), upload.key, account, upload.opening.root));
  Receipt receipt{upload.opening.root, {}};
  receipt.receipt.assign(receipt.root.bytes.begin(), receipt.root.bytes.end());
  receipt.receipt.insert(receipt.receipt.end(), signature.bytes.begin(), signature.bytes.end());
  return {receipt, {}};
}

std::vector<SessionReply> SessionCoordinator::reveal(const AccountId& account,
                                                     const RevealUpdate& m) {
  const auto current = current_round(world.chain.state());
  const session::AttemptKey key{m.round, m.attempt};
  if (!current || session::AttemptKey{current->round, current->attempt} != key ||
      current->phase != RoundPhase::revealing) {
    return {{refuse(RefusalCode::not_now, "wrong_phase"), {}}};
  }
  const Opening opening{m.root, m.size_bytes, static_cast<Encoding>(m.encoding), m.salt};
  const auto commit =
      get<CommitRecord>(world.chain.state(), state_key::commit(m.round, m.attempt, account));
  const Hash open_block = world.chain.history()[current->open_height];
  if (!commit || update_commitment(open_block, account, opening) != commit->body.commitment) {
    return {{refuse(RefusalCode::not_as_agreed, "commitment_mismatch"), {}}};
  }
  Upload& upload = uploads_[account];
  if (upload.key != key) upload = Upload{key, opening, {}, false};
  std::vector<SessionReply> replies{{RevealAccepted{m.root, upload.held.size(), 2}, {}}};
  if (upload.whole) replies.push_back(receipt(account, upload));
  return replies;
}

std::vector<SessionReply> SessionCoordinator::chunk(const AccountId& account, const UpdateChunk& m,
                                                    ByteView bytes) {
  const auto found = uploads_.find(account);
  if (found == uploads_.end() || found->second.opening.root != m.root) {
    return {{refuse(RefusalCode::not_now, "reveal first"), {}}};
  }
  Upload& upload = found->second;
  if (m.offset_bytes == upload.held.size()) {
    upload.held.insert(upload.held.end(), bytes.begin(), bytes.end());
  }
  std::vector<SessionReply> replies{{ChunkAck{m.root, upload.held.size(), 2}, {}}};
  if (upload.held.size() == upload.opening.size_bytes && !upload.whole) {
    GRADMINT_CHECK(blob_root(upload.held) == m.root);
    upload.whole = true;
    ++version_;
  }
  if (upload.whole) replies.push_back(receipt(account, upload));
  return replies;
}

RoundState SessionCoordinator::round_state(const AccountId& account, std::uint64_t now_ms) const {
  const Chain& chain = world.chain;
  RoundState state;
  state.tip_height = chain.height();
  state.tip_hash = chain.tip_hash();
  if (finished()) state.phase = Phase::finished;
  const auto round = current_round(chain.state());
  if (!round || finished()) return state;
  state.round = round->round;
  state.attempt = round->attempt;
  state.open_block_hash = chain.history()[round->open_height];
  if (round->phase != RoundPhase::settled && round->phase != RoundPhase::abandoned) {
    state.open_round = encode_record(round->open);
  }
  const std::uint64_t end_ms = phase_since_ms_ + options_.phase_ms;
  state.deadline_remaining_ms = end_ms > now_ms ? end_ms - now_ms : 1;
  const auto commit = chain.state().find(state_key::commit(round->round, round->attempt, account));
  const auto& members = round->open.members;
  switch (round->phase) {
    case RoundPhase::training:
      state.phase = Phase::training;
      state.commit_asked = std::binary_search(members.begin(), members.end(), account) && !commit;
      break;
    case RoundPhase::revealing: {
      const auto upload = uploads_.find(account);
      const bool whole = upload != uploads_.end() && upload->second.whole &&
                         upload->second.key == session::AttemptKey{round->round, round->attempt};
      state.phase = Phase::revealing;
      state.reveal_asked = commit.has_value() && !whole;
      break;
    }
    case RoundPhase::evaluating: {
      const auto own =
          get<EvaluationRecord>(chain.state(), state_key::evaluation(round->round, account));
      state.phase = Phase::evaluating;
      state.evaluate_model = round->result.model_root;
      state.evaluate_asked =
          std::binary_search(members.begin(), members.end(), account) && !(own && own->revealed);
      break;
    }
    default:
      state.phase = Phase::settled;
  }
  return state;
}

void SessionCoordinator::open_round() {
  OpenRound body = world.open_body();
  body.evaluators = body.members;
  world.must(world.validator(), body);
}

void SessionCoordinator::end_revealing() {
  const RoundRecord round = world.round();
  RoundResult result;
  result.round = round.round;
  result.attempt = round.attempt;
  std::size_t accepted = 0;
  for (const CloseEntry& entry : round.close.entries) {
    ResultEntry line;
    line.worker = entry.worker;
    const auto upload = uploads_.find(entry.worker);
    if (upload == uploads_.end() || !upload->second.whole ||
        upload->second.key != session::AttemptKey{round.round, round.attempt}) {
      line.verdict = Verdict::not_revealed;
    } else {
      line.opening = upload->second.opening;
      line.selected = true;
      line.coefficient = 1;
      line.clip_factor_bits = std::bit_cast<std::uint64_t>(1.0);
      line.score_ppm = 500'000;
      ++accepted;
    }
    result.entries.push_back(line);
  }
  if (accepted == 0) {
    world.must(world.validator(),
               AbandonRound{round.round, round.attempt, Verdict::too_few_updates, {}});
    return;
  }
  Bytes model(options_.parameters * sizeof(float), static_cast<std::uint8_t>(round.round));
  result.model_root = blob_root(model);
  world.blobs[result.model_root] = std::move(model);
  world.must(world.validator(), result);
}

void SessionCoordinator::tick(std::uint64_t now_ms) {
  if (finished()) return;
  const State& state_now = world.chain.state();
  const auto round = current_round(state_now);
  const auto begin_phase = [&] {
    phase_since_ms_ = now_ms;
    ++version_;
  };
  if (!round || round->phase == RoundPhase::settled || round->phase == RoundPhase::abandoned) {
    if (members_of(state_now).size() < options_.workers) return;
    if (options_.sites_scale && !fixed_scaler(state_now)) {
      const std::size_t stated = stated_members(state_now).size();
      if (stated < options_.workers && (stated == 0 || !is_due(now_ms))) return;
      return state(scaler_body(world), now_ms);
    }
    open_round();
    return begin_phase();
  }
  const std::size_t commits = commits_of(state_now, round->round, round->attempt).size();
  switch (round->phase) {
    case RoundPhase::training:
      if (commits < round->open.members.size() && !is_due(now_ms)) return;
      if (commits == 0) return state(world.abandon_body(), now_ms);
      return state(world.close_body(), now_ms);
    case RoundPhase::revealing: {
      const auto whole = std::count_if(uploads_.begin(), uploads_.end(), [&](const auto& u) {
        return u.second.whole && u.second.key == session::AttemptKey{round->round, round->attempt};
      });
      if (static_cast<std::size_t>(whole) < commits && !is_due(now_ms)) return;
      end_revealing();
      return begin_phase();
    }
    case RoundPhase::evaluating: {
      const SettleRound body = world.settle_body();
      if (body.attestations < round->open.evaluators.size()) return;
      ++settled_;
      return state(body, now_ms);
    }
    default:
      return;
  }
}

void SessionCoordinator::restart() {
  std::erase_if(uploads_, [](const auto& entry) { return !entry.second.whole; });
  ++version_;
}

}  // namespace gradmint::test
