// The stations one by one: questions, transactions, downloads, uploads, receipts, salts.
#include <doctest/doctest.h>

#include <algorithm>

#include "tests/ledger/world.h"
#include "worker/session/blob_fetch.h"
#include "worker/session/transaction_desk.h"
#include "worker/session/update_upload.h"

namespace gradmint::test {
namespace {

using namespace gradmint::session;

// A station's surroundings for one test.
struct Bench {
  Asks asks;
  Effects effects;
  std::uint64_t now_ms = 1000;
  Outgoing out() {
    effects.clear();
    return Outgoing(asks, effects, now_ms, true);
  }
  void answered() {
    for (const Effect& e : effects) {
      if (const auto* send = std::get_if<Send>(&e)) asks.answered(send->ask);
    }
  }
  template <class M>
  std::vector<M> sent() const {
    std::vector<M> all;
    for (const Effect& e : effects) {
      const auto* send = std::get_if<Send>(&e);
      if (send != nullptr && std::holds_alternative<M>(send->message)) {
        all.push_back(std::get<M>(send->message));
      }
    }
    return all;
  }
};

TEST_CASE("a question is open until it is answered, overdue or the connection is lost") {
  Asks asks;
  REQUIRE(asks.may(Ask::hello, 0));
  const std::uint64_t first = asks.note(Ask::hello, 0);
  CHECK_FALSE(asks.may(Ask::hello, 1));
  CHECK(asks.may(Ask::genesis, 1));
  CHECK(asks.may(Ask::hello, kAnswerTimeoutMs));
  const std::uint64_t second = asks.note(Ask::hello, kAnswerTimeoutMs);
  CHECK_FALSE(asks.answered(first));  // asked anew since
  CHECK(asks.answered(second));
  CHECK(asks.answered(second));  // a second answer to it: a receipt, a word on why it waits
  CHECK_FALSE(asks.open(Ask::hello));
  asks.hold_back(Ask::hello, 50'000);
  CHECK_FALSE(asks.may(Ask::hello, 49'999));
  CHECK(asks.may(Ask::hello, 50'000));
  asks.note(Ask::round, 0);
  asks.connection_lost();
  CHECK(asks.may(Ask::round, 0));
  CHECK_FALSE(asks.answered(0));
  CHECK_FALSE(asks.answered(0xFFFF));
}

struct DeskRow {
  Verdict verdict;
  bool done;          // the desk is empty afterwards
  bool asks_account;  // the nonce is in doubt
};

TEST_CASE("what the desk makes of each answer") {
  const DeskRow rows[] = {
      {Verdict::ok, true, false},          {Verdict::duplicate, true, false},
      {Verdict::late, true, false},        {Verdict::not_invited, true, false},
      {Verdict::wrong_nonce, false, true}, {Verdict::unknown_anchor, false, false},
      {Verdict::expired, false, false},
  };
  for (const DeskRow& row : rows) {
    CAPTURE(verdict_name(row.verdict));
    Bench bench;
    TransactionDesk desk(key_of("w"), hash_of("chain"), {});
    desk.want(TxType::commit_update, {1, 2, 3});
    auto out = bench.out();
    desk.advance(out, {5, hash_of("tip")});
    REQUIRE(bench.sent<GetAccount>().size() == 1);
    bench.answered();
    desk.take(AccountState{key_of("w").account(), 5, 7, 0, true, true});
    out = bench.out();
    desk.advance(out, {5, hash_of("tip")});
    REQUIRE(bench.sent<SubmitTransaction>().size() == 1);
    SignedTransaction tx;
    REQUIRE(decode_transaction(bench.sent<SubmitTransaction>()[0].transaction, tx) == Verdict::ok);
    CHECK(tx.transaction.nonce == 7);
    CHECK(tx.transaction.seen_height == 5);
    bench.answered();

    TransactionResult stranger;
    stranger.txid = hash_of("another");
    CHECK_FALSE(desk.take(stranger, out).has_value());
    const auto settled =
        desk.take(TransactionResult{tx.id, static_cast<std::uint16_t>(row.verdict), 6, ""}, out);
    CHECK(settled.has_value() == row.done);
    CHECK(desk.idle() == row.done);
    bench.now_ms += 5000;
    out = bench.out();
    desk.advance(out, {6, hash_of("new tip")});
    CHECK(bench.sent<GetAccount>().size() == (row.asks_account ? 1 : 0));
    CHECK(bench.sent<SubmitTransaction>().size() == (!row.done && !row.asks_account ? 1 : 0));
  }
}

TEST_CASE("an overdue statement is sent again with the same bytes") {
  Bench bench;
  TransactionDesk desk(key_of("w"), hash_of("chain"), {});
  desk.want(TxType::commit_update, {1});
  desk.take(AccountState{key_of("w").account(), 5, 0, 0, true, true});
  auto out = bench.out();
  desk.advance(out, {5, hash_of("tip")});
  const Bytes first = bench.sent<SubmitTransaction>().at(0).transaction;
  desk.want(TxType::commit_update, {1});  // wanting it again changes nothing
  bench.now_ms += kAnswerTimeoutMs;
  out = bench.out();
  desk.advance(out, {9, hash_of("later tip")});
  CHECK(bench.sent<SubmitTransaction>().at(0).transaction == first);
}

Bytes blob_bytes(std::size_t size) {
  Bytes bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>(i * 31 / 7);
  return bytes;
}

Payload part(const Bytes& blob, const GetBlob& asked) {
  const auto end = std::min<std::size_t>(blob.size(), asked.offset_bytes + asked.length_bytes);
  return Payload::of(Bytes(blob.begin() + static_cast<std::ptrdiff_t>(asked.offset_bytes),
                           blob.begin() + static_cast<std::ptrdiff_t>(end)));
}

TEST_CASE("a blob comes in chunks, within the credit, and goes on where it was cut") {
  const Bytes blob = blob_bytes(6 * kTransferChunkBytes + 10);
  const Hash root = hash_of("blob");
  for (const std::uint64_t held : {std::uint64_t{0}, std::uint64_t{2 * kTransferChunkBytes + 5},
                                   static_cast<std::uint64_t>(blob.size())}) {
    CAPTURE(held);
    Bench bench;
    BlobFetch fetch;
    REQUIRE_FALSE(fetch.want(root, blob.size(), blob.size()));
    auto out = bench.out();
    fetch.advance(out);
    REQUIRE(std::holds_alternative<LookForBlob>(bench.effects.at(0)));
    fetch.take(BlobLooked{root, false, held});
    std::vector<GetBlob> open;
    std::uint64_t written = held == 0 ? 0 : (held - 1) / kTransferChunkBytes * kTransferChunkBytes;
    bool cut = false;
    for (bool finished = false; !finished;) {
      out = bench.out();
      fetch.advance(out);
      for (const GetBlob& asked : bench.sent<GetBlob>()) open.push_back(asked);
      REQUIRE_FALSE(open.empty());
      REQUIRE(open.size() <= kMaxCredit);
      if (!cut && open.size() == kMaxCredit) {  // the connection breaks once
        cut = true;
        open.clear();
        fetch.connection_lost();
        continue;
      }
      const GetBlob asked = open.front();
      open.erase(open.begin());
      REQUIRE(asked.offset_bytes == written);
      out = bench.out();
      const BlobChunk chunk{root, asked.offset_bytes, blob.size()};
      REQUIRE(fetch.take(chunk, part(blob, asked), out) == Verdict::ok);
      CHECK(fetch.take(chunk, part(blob, asked), out) == Verdict::ok);  // doubled: nothing
      for (const Effect& e : bench.effects) {
        if (const auto* write = std::get_if<WriteBlob>(&e)) written += write->bytes.size();
        if (std::holds_alternative<FinishBlob>(e)) finished = true;
      }
    }
    CHECK(written == blob.size());
    out = bench.out();
    fetch.take(BlobFinished{root, true}, out);
    CHECK(fetch.want(root, 0, 1));
  }
}

TEST_CASE("a blob of another size, a short chunk and a wrong root are fetched anew") {
  Bench bench;
  BlobFetch fetch;
  const Hash root = hash_of("blob");
  const Bytes blob = blob_bytes(100);
  const auto begin = [&](std::uint64_t exact) {
    fetch = BlobFetch();
    fetch.want(root, exact, 1000);
    auto out = bench.out();
    fetch.advance(out);
    fetch.take(BlobLooked{root, false, 0});
    bench.now_ms += 10'000;
    out = bench.out();
    fetch.advance(out);
    return bench.out();
  };
  auto out = begin(99);
  CHECK(fetch.take(BlobChunk{root, 0, 100}, Payload::of(blob), out) == Verdict::wrong_size);
  out = begin(0);
  CHECK(fetch.take(BlobChunk{root, 0, 1001}, Payload::of(blob), out) == Verdict::wrong_size);
  out = begin(0);
  CHECK(fetch.take(BlobChunk{root, 0, 0}, Payload(), out) == Verdict::wrong_size);
  out = begin(0);
  CHECK(fetch.take(BlobChunk{root, 0, 100}, Payload::of(blob_bytes(99)), out) ==
        Verdict::wrong_size);
  out = begin(0);
  REQUIRE(fetch.take(BlobChunk{root, 0, 100}, Payload::of(blob), out) == Verdict::ok);
  fetch.take(BlobFinished{root, false}, out);
  CHECK_FALSE(fetch.want(root, 0, 1000));
  bench.now_ms += 10'000;
  out = bench.out();
  fetch.advance(out);
  REQUIRE(bench.sent<GetBlob>().size() == 1);
  CHECK(bench.sent<GetBlob>()[0].offset_bytes == 0);
}

TEST_CASE("an upload starts where the coordinator says and keeps within its credit") {
  UpdateMemory update;
  update.key = {3, 1};
  update.opening = {hash_of("u"), 5 * kTransferChunkBytes / 2, Encoding::fp32, hash_of("salt")};
  struct Row {
    std::uint64_t resume;
    std::uint16_t credit;
    std::size_t chunks;
    Verdict verdict;
  };
  const Row rows[] = {
      {0, 2, 2, Verdict::ok},
      {0, 4, 3, Verdict::ok},
      {kTransferChunkBytes, 1, 1, Verdict::ok},
      {update.opening.size_bytes, 4, 0, Verdict::ok},  // all there: the receipt follows
      {1, 4, 0, Verdict::wrong_size},
      {update.opening.size_bytes + 1, 4, 0, Verdict::wrong_size},
  };
  for (const Row& row : rows) {
    CAPTURE(row.resume);
    Bench bench;
    UpdateUpload upload;
    upload.want(update);
    auto out = bench.out();
    upload.advance(out);
    REQUIRE(bench.sent<RevealUpdate>().size() == 1);
    bench.answered();
    out = bench.out();
    CHECK(upload.take(RevealAccepted{update.opening.root, row.resume, row.credit}, out) ==
          row.verdict);
    out = bench.out();
    upload.advance(out);
    CHECK(bench.sent<UpdateChunk>().size() == row.chunks);
    CHECK(bench.sent<RevealUpdate>().empty());  // not in a hurry after a fault
    if (row.chunks > 0) {
      CHECK(upload.take(ChunkAck{update.opening.root, row.resume + 7, 4}, out) ==
            Verdict::wrong_size);
    }
    bench.now_ms += 20'000;  // no word: it asks again where to go on
    out = bench.out();
    upload.advance(out);
    CHECK(bench.sent<RevealUpdate>().size() == 1);
  }
}

TEST_CASE("a receipt holds for one chain, attempt, worker and root") {
  const World world;
  const Hash chain = world.chain.chain_id();
  const AccountId worker = key_of("w").account();
  const Hash root = hash_of("root");
  const AttemptKey key{3, 1};
  Bytes receipt(root.bytes.begin(), root.bytes.end());
  const Signature signature = world.validator().sign(receipt_digest(chain, key, worker, root));
  receipt.insert(receipt.end(), signature.bytes.begin(), signature.bytes.end());
  const auto holds = [&](const Bytes& bytes, const Hash& c, AttemptKey k, const AccountId& w,
                         const Hash& r) {
    return verify_receipt(bytes, c, k, w, r, world.genesis.validators);
  };
  CHECK(holds(receipt, chain, key, worker, root));
  CHECK_FALSE(holds(receipt, root, key, worker, root));
  CHECK_FALSE(holds(receipt, chain, {3, 2}, worker, root));
  CHECK_FALSE(holds(receipt, chain, key, root, root));
  CHECK_FALSE(holds(receipt, chain, key, worker, chain));
  for (std::size_t i = 0; i < receipt.size(); i += 7) {
    Bytes damaged = receipt;
    damaged[i] ^= 1;
    CHECK_FALSE(holds(damaged, chain, key, worker, root));
  }
  receipt.pop_back();
  CHECK_FALSE(holds(receipt, chain, key, worker, root));
}

TEST_CASE("memories keep every bit, and salts differ by everything they depend on") {
  UpdateMemory update;
  update.key = {12, 3};
  update.open_block = hash_of("open");
  update.body.examples = 5;
  update.opening = {hash_of("u"), 4096, Encoding::fp32, hash_of("salt")};
  update.receipt = Bytes(kReceiptBytes, 7);
  const Bytes bytes = encode_record(update);
  const auto back = decode_record<UpdateMemory>(bytes);
  REQUIRE(back.has_value());
  CHECK(encode_record(*back) == bytes);
  CHECK_FALSE(decode_record<UpdateMemory>(ByteView(bytes).first(bytes.size() - 1)).has_value());
  const Hash a = hash_of("a"), b = hash_of("b");
  CHECK(update_salt(a, a, a) != update_salt(b, a, a));
  CHECK(update_salt(a, a, a) != update_salt(a, b, a));
  CHECK(update_salt(a, a, a) != update_salt(a, a, b));
  CHECK(evaluation_salt(a, 1, a) != evaluation_salt(a, 2, a));
}

}  // namespace
}  // namespace gradmint::test
