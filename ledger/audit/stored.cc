#include "ledger/audit/stored.h"

#include <algorithm>

#include "ledger/hash.h"

namespace gradmint {
namespace {

std::string describe_key(const std::string& key) { return "entry " + to_hex(as_bytes(key)); }

std::string describe(const Tip& tip) {
  return "block " + std::to_string(tip.height) + " (" + to_hex(tip.block_hash) + ")";
}

std::string list(const std::vector<std::uint64_t>& heights) {
  std::string text;
  for (const std::uint64_t h : heights) text += (text.empty() ? "" : ",") + std::to_string(h);
  return text.empty() ? "no block" : "blocks " + text;
}

}  // namespace

Status store_error_as_fault(const Error& error, std::uint64_t height, Finding& fault) {
  if (error.code != ErrorCode::corrupt) return error;
  fault = AuditFault{height, "store_corrupt", "a ledger that can be read", error.message};
  return {};
}

Result<Finding> check_checkpoint(const StoreReader& store, const Tip& tip) {
  const auto checkpoint = store.checkpoint();
  if (!checkpoint) {
    const Error& error = checkpoint.error();
    if (error.code == ErrorCode::not_found) {
      // A crash can come between block 0 and the first checkpoint, and at no other time.
      if (tip.height == 0) return Finding();
      return Finding(AuditFault{tip.height, "checkpoint_missing",
                                "a checkpoint of " + describe(tip), "no such file"});
    }
    if (error.code != ErrorCode::corrupt) return error;
    return Finding(AuditFault{tip.height, "checkpoint_damaged", "a checkpoint of " + describe(tip),
                              error.message});
  }
  if (checkpoint->tip.height > tip.height) {
    return Finding(AuditFault{tip.height + 1, "missing_block", describe(checkpoint->tip),
                              "the newest is " + describe(tip)});
  }
  if (const Status kept = store.compare_with_checkpoint(); !kept.ok()) {
    if (kept.error().code != ErrorCode::corrupt) return kept.error();
    return Finding(AuditFault{tip.height, "checkpoint_mismatch", describe(checkpoint->tip),
                              kept.error().message});
  }
  return Finding();
}

Finding check_tip(const LedgerReader& ledger, const Chain& chain) {
  const Tip replayed{chain.height(), chain.tip_hash()};
  const auto tip = ledger.tip();
  if (tip && tip->height == replayed.height && tip->block_hash == replayed.block_hash) {
    return std::nullopt;
  }
  return AuditFault{chain.height(), "wrong_tip", describe(replayed), tip ? describe(*tip) : "none"};
}

Result<Finding> check_acknowledged(const StoreReader& store, const Chain& chain) {
  const auto checkpoint = store.checkpoint();
  if (!checkpoint) return Finding();  // told by check_checkpoint
  const std::uint64_t height = checkpoint->tip.height;
  if (height > chain.height()) return Finding();  // told by check_checkpoint too
  const Tip then{height, chain.history()[height]};
  if (then.block_hash != checkpoint->tip.block_hash) {
    return Finding(
        AuditFault{height, "checkpoint_mismatch", describe(checkpoint->tip), describe(then)});
  }
  return Finding();
}

Result<Finding> check_state(const StoreReader& store, const Chain& chain) {
  std::map<std::string, Bytes> expected;
  chain.state().scan("",
                     [&](const std::string& key, const Bytes& value) { expected[key] = value; });
  Finding fault;
  const auto tell = [&](const char* rule, std::string wanted, std::string found) {
    if (!fault) fault = AuditFault{chain.height(), rule, std::move(wanted), std::move(found)};
  };
  const Status read = store.for_each_state([&](std::string_view key_view, ByteView value) {
    const std::string key(key_view);
    const auto it = expected.find(key);
    if (it == expected.end()) {
      tell("state_entry_unknown", "no such entry", describe_key(key));
      return;
    }
    if (!std::equal(value.begin(), value.end(), it->second.begin(), it->second.end())) {
      tell("wrong_state_entry", describe_key(key) + " " + to_hex(sha256(it->second)),
           to_hex(sha256(value)));
    }
    expected.erase(it);
  });
  if (!read.ok()) return read.error();
  if (!expected.empty()) {
    tell("state_entry_missing", describe_key(expected.begin()->first), "no such entry");
  }
  return fault;
}

Result<Finding> check_indexes(const StoreReader& store, const Chain& chain,
                              const LedgerHistory& history) {
  for (std::uint64_t height = 0; height <= chain.height(); ++height) {
    const auto block = store.block(height);
    if (!block) return block.error();
    std::vector<SignedTransaction> transactions;
    // It stood when it was replayed; whoever can write to the copy may have changed it since.
    if (decode_transactions(block->transactions, transactions) != Verdict::ok) {
      return Finding(AuditFault{height, "malformed_transactions", "the block that was replayed",
                                "other bytes when it was read again"});
    }
    std::vector<Hash> ids;
    for (const SignedTransaction& transaction : transactions) ids.push_back(transaction.id);
    const auto places = store.find_transactions(ids);
    if (!places) return places.error();
    for (std::size_t i = 0; i < ids.size(); ++i) {
      const auto& place = (*places)[i];
      if (place && place->first == height && place->second == i) continue;
      return Finding(AuditFault{
          height, "wrong_transaction_index",
          "transaction " + to_hex(ids[i]) + " at " + std::to_string(height) + "/" +
              std::to_string(i),
          place ? std::to_string(place->first) + "/" + std::to_string(place->second) : "nothing"});
    }
  }
  for (const auto& [account, heights] : history.heights) {
    const auto stored = store.heights_of(account);
    if (!stored) return stored.error();
    if (*stored == heights) continue;
    return Finding(AuditFault{chain.height(), "wrong_account_index",
                              list(heights) + " for " + address_of(account), list(*stored)});
  }
  return Finding();
}

}  // namespace gradmint
