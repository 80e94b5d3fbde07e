// Every tag under which something is hashed, signed or derived: one tag, one layout, one place in
// the code that makes it. The line above each is its row in docs/ledger.md, "layout; who; what
// for"; tests/tidy/check_tags.py compares the two. Integers are little-endian; ‖ joins without
// padding.
#pragma once

#include <string_view>

namespace gradmint::tag {

// ---- what names something

// sig_alg u8 ‖ public key 32; nobody; an account's id
inline constexpr std::string_view kAccount = "gradmint/account/v1";
// the genesis record; nobody; the chain's id
inline constexpr std::string_view kGenesis = "gradmint/genesis/v1";
// the genesis record; nobody; `params_hash` of a header
inline constexpr std::string_view kParams = "gradmint/params/v1";
// the list of validators as in the genesis; nobody; `validators_hash` of a header
inline constexpr std::string_view kValidators = "gradmint/validators/v1";
// the header; nobody; a block's hash
inline constexpr std::string_view kHeader = "gradmint/header/v1";
// the transaction without its signature; nobody; a transaction's id
inline constexpr std::string_view kTransactionId = "gradmint/txid/v1";
// size u64 ‖ RFC 6962 root over leaves of 4096 bytes 32; nobody; a blob's root
inline constexpr std::string_view kBlob = "gradmint/blob/v1";
// owner 32 ‖ body of `register_dataset`; nobody; a dataset's id
inline constexpr std::string_view kDataset = "gradmint/dataset/v1";

// ---- what is signed or committed to

// the transaction without its signature; its sender; every statement on the ledger
inline constexpr std::string_view kTransactions = "gradmint/tx/<type>/v1";
// chain id 32 ‖ epoch u64 ‖ height u64 ‖ block hash 32; validators; a certificate's votes
inline constexpr std::string_view kVote = "gradmint/vote/v1";
// chain id 32 ‖ round u64 ‖ attempt u32 ‖ worker 32 ‖ root 32; the validator that has the update
// synced; a worker's receipt
inline constexpr std::string_view kReceipt = "gradmint/receipt/v1";
// hash of the block that opened the round 32 ‖ worker 32 ‖ root 32 ‖ size u64 ‖ encoding u8 ‖ salt
// 32; the worker, in `commit_update`; what will be revealed
inline constexpr std::string_view kUpdateCommitment = "gradmint/commitment/v1";
// evaluator 32 ‖ model root 32 ‖ body of `reveal_evaluation`; the evaluator, in
// `commit_evaluation`; figures before they are revealed
inline constexpr std::string_view kEvaluationCommitment = "gradmint/evaluation/v1";

// ---- what follows for everybody

// round u64 ‖ attempt u32 ‖ seed preimage 32 ‖ list of the commitments, ascending; nobody; a
// round's seed
inline constexpr std::string_view kSeed = "gradmint/seed/v1";
// round's seed 32 ‖ worker 32; nobody; the order of updates, ascending
inline constexpr std::string_view kOrder = "gradmint/order/v1";
// training seed u64 ‖ round u64 ‖ worker 32; nobody; the first eight bytes seed a worker's trainer
inline constexpr std::string_view kTrainingSeed = "gradmint/training-seed/v1";
// the invitation without these bytes; nobody; its last four bytes, against mistyping
inline constexpr std::string_view kInvitation = "gradmint/invitation/v1";

// ---- what follows for one who knows a secret; nobody else computes it

// secret 32 ‖ hash of the block that opened the round 32 ‖ root 32; the worker; the salt of its
// commitment
inline constexpr std::string_view kUpdateSalt = "gradmint/salt/v1";
// secret 32 ‖ round u64 ‖ model root 32; the evaluator; the salt of its figures
inline constexpr std::string_view kEvaluationSalt = "gradmint/evaluation-salt/v1";
// secret 32; the validator; the last link of its seed chain
inline constexpr std::string_view kSeedChain = "gradmint/seed-chain/v1";
// secret 32 ‖ row u64; the worker; the salt of a sample's leaf in `samples_root`
inline constexpr std::string_view kSampleSalt = "gradmint/sample-salt/v1";
// secret 32; the worker; `samples_root` where the trainer alone knows the samples
inline constexpr std::string_view kUndisclosedSamples = "gradmint/undisclosed-samples/v1";
// seed u64 ‖ purpose, length u32 and bytes ‖ attempt u32; `gradmint dev`; keys of a rehearsal with
// --seed
inline constexpr std::string_view kDevKey = "gradmint/dev-key/v1";
// begins the header of a keystore: public key 32 ‖ log2 of scrypt's n u32 ‖ r u32 ‖ p u32 ‖ salt 32
// ‖ nonce 12, ‖ account 32 where it is not the key's own; nobody; associated data, not hashed
inline constexpr std::string_view kKeystore = "gradmint/keystore/v1";

}  // namespace gradmint::tag
