// Envelopes, enrolment, datasets and money.
#include "contracts/amount.h"
#include "tests/ledger/verdict_cases.h"

namespace gradmint::test {
namespace {

using V = Verdict;

// A transfer, changed before it is signed.
template <class Change>
Verdict changed_envelope(World& w, Change change) {
  Transaction t = w.draft(w.validator(), Transfer{w.workers[0].account(), 1, ""});
  change(t);
  return w.chain.check(sign_transaction(t, w.validator()));
}

// The bytes of a transfer, changed after it is signed.
template <class Change>
Verdict changed_bytes(World& w, Change change) {
  Bytes bytes = w.say(w.validator(), Transfer{w.workers[0].account(), 1, ""}).bytes;
  change(bytes);
  SignedTransaction decoded;
  if (const Verdict v = decode_transaction(bytes, decoded); v != V::ok) return v;
  return w.chain.check(decoded);
}

Verdict register_in(Enrolment enrolment, int worker, const Hash& invitation) {
  WorldOptions options;
  options.enrolment = enrolment;
  World w(options);
  RegisterWorker body = w.registration(worker);
  body.invitation_hash = invitation;
  return w.ask(w.workers[static_cast<std::size_t>(worker)], body);
}

}  // namespace

std::vector<Case> envelope_cases() {
  return {
      {"a transfer as it should be", Stage::fresh,
       [](World& w) { return changed_envelope(w, [](Transaction&) {}); }, V::ok},
      {"cut short", Stage::fresh,
       [](World& w) { return changed_bytes(w, [](Bytes& b) { b.pop_back(); }); }, V::malformed},
      {"one byte too many", Stage::fresh,
       [](World& w) { return changed_bytes(w, [](Bytes& b) { b.push_back(0); }); }, V::malformed},
      {"nothing at all", Stage::fresh,
       [](World& w) { return changed_bytes(w, [](Bytes& b) { b.clear(); }); }, V::malformed},
      {"a megabyte and more", Stage::fresh,
       [](World& w) {
         return changed_bytes(w, [](Bytes& b) { b.resize(kMaxSignedTransactionBytes + 1); });
       },
       V::oversized},
      {"version 2", Stage::fresh,
       [](World& w) { return changed_bytes(w, [](Bytes& b) { b[0] = 2; }); }, V::unknown_version},
      {"type 99", Stage::fresh,
       [](World& w) { return changed_bytes(w, [](Bytes& b) { b[2] = 99; }); }, V::unknown_type},
      {"signature algorithm 2", Stage::fresh,
       [](World& w) { return changed_bytes(w, [](Bytes& b) { b[4] = 2; }); }, V::unknown_algorithm},
      {"a body that is no transfer", Stage::fresh,
       [](World& w) { return changed_envelope(w, [](Transaction& t) { t.body.pop_back(); }); },
       V::malformed},
      {"a registration whose body is none", Stage::fresh,
       [](World& w) {
         return changed_envelope(w, [](Transaction& t) { t.type = TxType::register_worker; });
       },
       V::malformed},
      {"another chain", Stage::fresh,
       [](World& w) {
         return changed_envelope(w, [](Transaction& t) { t.chain_id = hash_of("other"); });
       },
       V::wrong_chain},
      {"valid until the block before", Stage::enrolled,
       [](World& w) {
         return changed_envelope(w, [&](Transaction& t) { t.valid_until = w.chain.height(); });
       },
       V::expired},
      {"valid until this very block", Stage::enrolled,
       [](World& w) {
         return changed_envelope(w, [&](Transaction& t) { t.valid_until = w.chain.height() + 1; });
       },
       V::ok},
      {"an account nobody has seen", Stage::fresh,
       [](World& w) {
         return w.ask(key_of("stranger"), Transfer{hash_of("x"), 1, ""});
       },
       V::unknown_sender},
      {"an account with money and no key yet", Stage::fresh,
       [](World& w) {
         w.must(w.validator(), Transfer{key_of("stranger").account(), 1, ""});
         return w.ask(key_of("stranger"), Transfer{hash_of("x"), 1, ""});
       },
       V::unknown_sender},
      {"the sender's name over another's signature", Stage::fresh,
       [](World& w) {
         const Transaction t = w.draft(w.validator(), Transfer{hash_of("x"), 1, ""});
         return w.chain.check(sign_transaction(t, key_of("stranger")));
       },
       V::bad_signature},
      {"one bit of the signature", Stage::fresh,
       [](World& w) { return changed_bytes(w, [](Bytes& b) { b.back() ^= 1; }); },
       V::bad_signature},
      {"a type that was not signed", Stage::fresh,
       [](World& w) { return changed_bytes(w, [](Bytes& b) { b[2] = 10; }); }, V::bad_signature},
      {"a nonce too high", Stage::fresh,
       [](World& w) { return changed_envelope(w, [](Transaction& t) { t.nonce += 1; }); },
       V::wrong_nonce},
      {"the same statement twice", Stage::fresh,
       [](World& w) {
         const auto tx = w.say(w.validator(), Transfer{hash_of("x"), 1, ""});
         w.play({tx});
         return w.chain.check(tx);
       },
       V::wrong_nonce},
      {"an anchor in the future", Stage::enrolled,
       [](World& w) { return changed_envelope(w, [](Transaction& t) { t.seen_height += 1; }); },
       V::unknown_anchor},
      {"an anchor on a fork", Stage::enrolled,
       [](World& w) {
         return changed_envelope(w, [](Transaction& t) { t.seen_hash = hash_of("fork"); });
       },
       V::unknown_anchor},
      {"an old anchor", Stage::enrolled,
       [](World& w) {
         return changed_envelope(w, [&](Transaction& t) {
           t.seen_height = 0;
           t.seen_hash = w.chain.history()[0];
         });
       },
       V::ok},
  };
}

std::vector<Case> account_cases() {
  return {
      {"a registration", Stage::fresh,
       [](World& w) { return w.ask(w.workers[0], w.registration(0)); }, V::ok},
      {"a second registration", Stage::enrolled,
       [](World& w) { return w.ask(w.workers[0], w.registration(0)); }, V::already_registered},
      {"a validator as a worker", Stage::fresh,
       [](World& w) { return w.ask(w.validator(), w.registration(0)); }, V::already_registered},
      {"somebody else's key", Stage::fresh,
       [](World& w) { return w.ask(w.workers[0], w.registration(1)); }, V::wrong_key},
      {"no CURVE key", Stage::fresh,
       [](World& w) {
         RegisterWorker body = w.registration(0);
         body.curve_key = Hash{};
         return w.ask(w.workers[0], body);
       },
       V::wrong_key},
      {"a CURVE key in use", Stage::fresh,
       [](World& w) {
         w.must(w.workers[0], w.registration(0));
         RegisterWorker body = w.registration(1);
         body.curve_key = w.registration(0).curve_key;
         return w.ask(w.workers[1], body);
       },
       V::curve_key_taken},
      {"on the allow-list", Stage::fresh,
       [](World&) { return register_in(Enrolment::allow_list, 0, Hash{}); }, V::ok},
      {"not on the allow-list", Stage::fresh,
       [](World&) { return register_in(Enrolment::allow_list, 1, Hash{}); }, V::not_invited},
      {"with an invitation", Stage::fresh,
       [](World&) { return register_in(Enrolment::invitation, 0, hash_of("code")); }, V::ok},
      {"without an invitation", Stage::fresh,
       [](World&) { return register_in(Enrolment::invitation, 0, Hash{}); }, V::not_invited},
      {"an invitation used before", Stage::fresh,
       [](World&) {
         WorldOptions options;
         options.enrolment = Enrolment::invitation;
         World w(options);
         w.must(w.workers[0], w.registration(0));
         RegisterWorker body = w.registration(1);
         body.invitation_hash = w.registration(0).invitation_hash;
         return w.ask(w.workers[1], body);
       },
       V::invitation_used},
      {"a second dataset", Stage::enrolled,
       [](World& w) { return w.ask(w.workers[0], w.dataset(1)); }, V::ok},
      {"the same dataset again", Stage::enrolled,
       [](World& w) { return w.ask(w.workers[0], w.dataset(0)); }, V::dataset_exists},
      {"a dataset of nothing", Stage::enrolled,
       [](World& w) {
         RegisterDataset body = w.dataset(1);
         body.sample_count = 0;
         return w.ask(w.workers[0], body);
       },
       V::empty_dataset},
      {"a dataset of a validator", Stage::enrolled,
       [](World& w) { return w.ask(w.validator(), w.dataset(0)); }, V::unknown_worker},
      {"a transfer of nothing", Stage::fresh,
       [](World& w) {
         return w.ask(w.validator(), Transfer{hash_of("x"), 0, ""});
       },
       V::zero_amount},
      {"a transfer of all there is", Stage::fresh,
       [](World& w) {
         return w.ask(w.validator(), Transfer{hash_of("x"), 1000, ""});
       },
       V::ok},
      {"a transfer of more than there is", Stage::fresh,
       [](World& w) {
         return w.ask(w.validator(), Transfer{hash_of("x"), 1001, ""});
       },
       V::insufficient_balance},
      {"a transfer to oneself", Stage::fresh,
       [](World& w) {
         return w.ask(w.validator(), Transfer{w.validator().account(), 5, ""});
       },
       V::ok},
      {"a transfer to oneself of more than there is", Stage::fresh,
       [](World& w) {
         return w.ask(w.validator(), Transfer{w.validator().account(), 1001, ""});
       },
       V::insufficient_balance},
  };
}

}  // namespace gradmint::test
