#include "contracts/amount.h"
#include "coordinator/protocol/endpoint.h"
#include "coordinator/protocol/invitation.h"
#include "kernels/base/check.h"
#include "kernels/base/text.h"
#include "kernels/encoding.h"
#include "kernels/spec_text.h"
#include "ledger/bech32m.h"
#include "ledger/keys.h"
#include "tests/fuzz/target.h"
#include "worker/data/dataset.h"

namespace gradmint::fuzz {
namespace {

// Each text has one meaning, and where a canonical form exists it comes back.
void run(ByteView input) {
  const std::string_view text = text_of(input);
  if (const auto parts = decode_bech32m(text)) {
    std::string lower(text);
    for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    GRADMINT_CHECK(encode_bech32m(parts->prefix, parts->groups) == lower);
    static_cast<void>(from_five_bit_groups(parts->groups));
  }
  if (const auto account = parse_address(text)) {
    GRADMINT_CHECK(parse_address(address_of(*account)) == account);
  }
  if (const auto invitation = parse_invitation(text)) {
    const auto again = parse_invitation(format_invitation(*invitation).value());
    GRADMINT_CHECK(again.ok() && *again == *invitation);
  }
  if (const auto endpoint = parse_tcp_endpoint(text)) {
    const auto again = parse_tcp_endpoint(to_string(*endpoint));
    GRADMINT_CHECK(again.ok() && *again == *endpoint);
  }
  static_cast<void>(resolve_work_endpoint(text, "tcp://host:7700"));
  if (const auto amount = contracts::parse_amount(text)) {
    GRADMINT_CHECK(contracts::parse_amount(contracts::format_amount(*amount)) == amount);
  }
  if (const auto encoding = kernels::parse_encoding(text)) {
    GRADMINT_CHECK(kernels::parse_encoding(kernels::name_of(*encoding)).value() == *encoding);
  }
  if (const auto rule =
          kernels::parse_rule(text, kernels::kAggregatorKind, kernels::aggregator_rules())) {
    GRADMINT_CHECK(!kernels::rule_text(*rule, kernels::aggregator_rules()).empty());
  }
  static_cast<void>(parse_shard(std::string(text)));
  static_cast<void>(from_hex(text));
  GRADMINT_CHECK(is_clean_text(clean_text(text, 100)));
  if (is_clean_text(text)) GRADMINT_CHECK(clean_text(text, text.size()) == text);
}

std::vector<Bytes> seeds() {
  Invitation invitation;
  invitation.join_endpoint = "tcp://host.example:7700";
  std::vector<Bytes> out = {bytes_of(format_invitation(invitation).value()),
                            bytes_of(address_of(AccountId{}))};
  for (const char* text :
       {"tcp://[::1]:7701", "tcp://*:0", "12.5", "0.000000001", "top_k:keep=64", "int8", "krum:f=2",
        "trimmed_mean:f=1", "3/8", "abcdef0123", "caf\xc3\xa9 \xe2\x80\xae"}) {
    out.push_back(bytes_of(text));
  }
  return out;
}

}  // namespace

Target words_target() { return {"words", run, seeds}; }

}  // namespace gradmint::fuzz
