// What a block costs on a ledger of few accounts and on one of many: accounts that strangers opened
// must not slow down everybody's blocks. No disk is in it, so nothing hides a difference.
//
//   ledger_benchmark [--accounts N] [--rounds N] [--quick]
//
// Both ledgers take turns, block by block; medians in microseconds, and their ratio.
#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "ledger/chain.h"
#include "ledger/hash.h"
#include "ledger/kernel_spec.h"

namespace gradmint {
namespace {

constexpr int kWorkers = 8;
constexpr std::size_t kTransfersPerBlock = 4000;

SecretKey key_of(const std::string& name) {
  return SecretKey::from_bytes(sha256(as_bytes(name))).value();
}

GenesisRecord make_genesis() {
  GenesisRecord genesis;
  genesis.name = "benchmark";
  genesis.time_ms = 1;
  genesis.validators = {{key_of("validator").public_key(), sha256(as_bytes("seed chain"))}};
  genesis.allocations = {{key_of("validator").account(), 1'000'000'000}};
  genesis.emission = {1, 1, 1};
  const contracts::BuiltinRule rule = contracts::builtin_rule("linear");
  genesis.rule_source = rule.source;
  genesis.rule_manifest = rule.manifest;
  genesis.rule_abi = contracts::rule_abi();
  genesis.task.size.parameters = 1;
  genesis.task.model_root = sha256(as_bytes("model"));
  genesis.enrolment = Enrolment::open;
  genesis.limits.least_new_balance = 1;
  return genesis;
}

class Ledger {
 public:
  explicit Ledger(std::size_t accounts) : chain_(Chain::start(make_genesis()).value()) {
    for (int i = 0; i < kWorkers; ++i) enrol("worker " + std::to_string(i));
    for (std::size_t made = 0; made < accounts;) {
      std::vector<SignedTransaction> block;
      for (; made < accounts && block.size() < kTransfersPerBlock; ++made) {
        block.push_back(pay(sha256(as_bytes("account " + std::to_string(made))), 1, block.size()));
      }
      play(block);
    }
  }

  double one_transfer_us() {
    const std::vector<SignedTransaction> block = {pay(key_of("worker 0").account(), 1, 0)};
    return play(block);
  }

  // Opens an attempt, which gives all members their part in it, and abandons it untimed.
  double open_round_us() {
    OpenRound open;
    open.round = 1;
    open.attempt = attempt_++;
    open.model_root = job_of(chain_.state()).model_root;
    open.aggregation = ledger_spec(kernels::complete_spec({}).value());
    open.limits.min_updates = 1;
    open.members = members_of(chain_.state());
    open.evaluators = {key_of("validator").account()};
    const double us = play({say("validator", TxType::open_round, encode_record(open), 0)});
    const AbandonRound abandon{1, open.attempt, Verdict::too_few_updates, {}};
    play({say("validator", TxType::abandon_round, encode_record(abandon), 0)});
    return us;
  }

 private:
  SignedTransaction say(const std::string& who, TxType type, Bytes body, std::uint64_t ahead) {
    const SecretKey key = key_of(who);
    const auto account = get<AccountRecord>(chain_.state(), state_key::account(key.account()));
    Transaction t;
    t.type = type;
    t.chain_id = chain_.chain_id();
    t.sender = key.account();
    t.nonce = (account ? account->nonce : 0) + ahead;
    t.seen_height = chain_.height();
    t.seen_hash = chain_.tip_hash();
    t.body = std::move(body);
    return sign_transaction(t, key);
  }
  SignedTransaction pay(const AccountId& to, std::uint64_t amount, std::uint64_t ahead) {
    return say("validator", TxType::transfer, encode_record(Transfer{to, amount, ""}), ahead);
  }
  void enrol(const std::string& who) {
    RegisterWorker worker;
    worker.public_key = key_of(who).public_key();
    worker.curve_key = sha256(as_bytes("connection of " + who));
    worker.name = who;
    play({say(who, TxType::register_worker, encode_record(worker), 0)});
    const RegisterDataset dataset{"data", sha256(as_bytes(who)), 1, "", "", ""};
    play({say(who, TxType::register_dataset, encode_record(dataset), 0)});
  }

  // Makes and commits a block in which all must stand.
  double play(const std::vector<SignedTransaction>& transactions) {
    const auto begin = std::chrono::steady_clock::now();
    BlockDraft draft =
        chain_.prepare(transactions, chain_.height() + 2, key_of("validator").account());
    const bool all_stand = draft.block.transactions.size() == transactions.size();
    chain_.commit(std::move(draft));
    const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - begin;
    GRADMINT_CHECK(all_stand);
    return took.count();
  }

  Chain chain_;
  std::uint32_t attempt_ = 0;
};

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2),
                   values.end());
  return values[values.size() / 2];
}

void compare(const char* what, Ledger& few, Ledger& many, double (Ledger::*block_us)(),
             std::size_t rounds) {
  std::vector<double> of_few, of_many;
  for (std::size_t i = 0; i < rounds; ++i) {
    of_few.push_back((few.*block_us)());
    of_many.push_back((many.*block_us)());
  }
  std::printf("%-14s %10.1f %10.1f %8.2f\n", what, median(of_few), median(of_many),
              median(of_many) / median(of_few));
}

// False where it is no number above 0.
bool read_count(const char* text, std::size_t& out) {
  const char* end = text + std::strlen(text);
  const auto [at, error] = std::from_chars(text, end, out);
  return error == std::errc() && at == end && out > 0;
}

int run(int count, char** arguments) {
  std::size_t accounts = 31'000, rounds = 201;
  for (int i = 1; i < count; ++i) {
    const std::string option = arguments[i];
    const bool has_value = i + 1 < count;
    if (option == "--quick") {
      accounts = 300;
      rounds = 3;
    } else if (option == "--accounts" && has_value && read_count(arguments[i + 1], accounts)) {
      ++i;
    } else if (option == "--rounds" && has_value && read_count(arguments[i + 1], rounds)) {
      ++i;
    } else {
      std::fprintf(stderr, "usage: ledger_benchmark [--accounts N] [--rounds N] [--quick]\n");
      return 2;
    }
  }
  Ledger few(1), many(accounts);
  std::printf("%-14s %10s %10s %8s   (accounts: %d, %zu)\n", "a block with", "few, us", "many, us",
              "ratio", kWorkers + 2, accounts + kWorkers + 1);
  compare("one transfer", few, many, &Ledger::one_transfer_us, rounds);
  compare("open_round", few, many, &Ledger::open_round_us, rounds);
  return 0;
}

}  // namespace
}  // namespace gradmint

int main(int count, char** arguments) { return gradmint::run(count, arguments); }
