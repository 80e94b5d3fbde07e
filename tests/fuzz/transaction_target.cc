#include <algorithm>

#include "coordinator/cli/audit_json.h"
#include "coordinator/cli/audit_text.h"
#include "kernels/base/check.h"
#include "kernels/base/text.h"
#include "ledger/block.h"
#include "ledger/json_text.h"
#include "tests/fuzz/target.h"
#include "tests/ledger/samples.h"

namespace gradmint::fuzz {
namespace {

// What people and programs are shown of a statement: no control character, however it was made.
void show(const SignedTransaction& transaction) {
  const Json json = transaction_json(transaction, 7, 0);
  GRADMINT_CHECK(is_clean_text(json_text(json)));
  const std::string table = table_text(json);
  for (std::size_t at = 0; at < table.size();) {
    const std::size_t end = std::min(table.find('\n', at), table.size());
    GRADMINT_CHECK(is_clean_text(std::string_view(table).substr(at, end - at)));
    at = end + 1;
  }
}

void run(ByteView input) {
  SignedTransaction one;
  if (decode_transaction(input, one) == Verdict::ok) {
    GRADMINT_CHECK(std::equal(one.bytes.begin(), one.bytes.end(), input.begin(), input.end()));
    show(one);
  }
  std::vector<SignedTransaction> list;
  if (decode_transactions(input, list) == Verdict::ok) {
    const Bytes again = encode_transactions(list);
    GRADMINT_CHECK(std::equal(again.begin(), again.end(), input.begin(), input.end()));
    for (const SignedTransaction& each : list) show(each);
  }
  if (const auto receipts = decode_receipts(input)) {
    const Bytes again = encode_receipts(*receipts);
    GRADMINT_CHECK(std::equal(again.begin(), again.end(), input.begin(), input.end()));
  }
}

// One statement of each type that has a sample, signed by somebody.
std::vector<Bytes> seeds() {
  std::vector<Bytes> out;
  std::vector<SignedTransaction> all;
  Hash secret;
  secret.bytes.fill(1);
  const SecretKey key = SecretKey::from_bytes(secret).value();
  for (const test::Sample& sample : test::record_samples()) {
    for (std::uint16_t type = 1; !tx_type_name(static_cast<TxType>(type)).empty(); ++type) {
      if (tx_type_name(static_cast<TxType>(type)) != sample.name) continue;
      Transaction transaction;
      transaction.type = static_cast<TxType>(type);
      transaction.sender = key.account();
      transaction.body = sample.bytes;
      all.push_back(sign_transaction(transaction, key));
      out.push_back(all.back().bytes);
    }
  }
  out.push_back(encode_transactions(all));
  TransactionReceipt receipt;
  receipt.mints = {{{}, 5}};
  out.push_back(encode_receipts({receipt}));
  return out;
}

}  // namespace

Target transaction_target() { return {"transaction", run, seeds}; }

}  // namespace gradmint::fuzz
