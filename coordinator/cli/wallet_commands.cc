#include "coordinator/cli/wallet_commands.h"

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "contracts/amount.h"
#include "coordinator/cli/account_peer.h"
#include "coordinator/cli/ledger_view.h"
#include "kernels/base/text.h"
#include "ledger/json_text.h"
#include "ledger/keystore.h"

namespace gradmint {
namespace {

using nlohmann::json;

struct WalletOptions {
  std::filesystem::path ledger, home, passphrase_file;
  std::string address, to, amount, memo;
  std::string format = "table";
};

struct BalanceLine {
  std::string address, name;
  std::uint64_t balance = 0, nonce = 0;
};

void print_balances(const std::vector<BalanceLine>& lines, std::uint64_t height,
                    const std::string& format) {
  if (format == "json") {
    json accounts = json::array();
    for (const BalanceLine& line : lines)
      accounts.push_back({{"address", line.address},
                          {"name", line.name},
                          {"balance", contracts::format_amount(line.balance)},
                          {"nonce", line.nonce}});
    std::printf("%s\n", json_text(json{{"height", height}, {"accounts", accounts}}).c_str());
    return;
  }
  std::printf("%-61s  %-20s  %s\n", "address", "name", "tokens");
  for (const BalanceLine& line : lines)
    std::printf("%-61s  %-20s  %s\n", line.address.c_str(), printable(line.name).c_str(),
                contracts::format_amount(line.balance).c_str());
  std::printf("as of block %llu\n", static_cast<unsigned long long>(height));
}

Error no_address(const std::string& text) {
  return {ErrorCode::bad_input, "'" + text +
                                    "' is no address; one begins with gm1 and was copied "
                                    "whole"};
}

Status balance_from_ledger(const WalletOptions& options) {
  const auto view = open_ledger(options.ledger);
  if (!view) return view.error();
  std::vector<BalanceLine> lines;
  if (!options.address.empty()) {
    const auto account = parse_address(options.address);
    if (!account) return no_address(options.address);
    const auto record = get<AccountRecord>(view->state, state_key::account(*account));
    const AccountRecord found = record.value_or(AccountRecord{});
    lines.push_back({options.address, found.name, found.balance, found.nonce});
  } else {
    view->state.scan(state_key::kAccountPrefix, [&](const std::string& key, const Bytes& value) {
      const auto record = decode_record<AccountRecord>(value);
      if (record)
        lines.push_back({address_of(id_of_key(key)), record->name, record->balance, record->nonce});
    });
  }
  print_balances(lines, view->tip.height, options.format);
  return {};
}

Status balance_over_network(const WalletOptions& options) {
  const auto home = open_account_home(options.home);
  if (!home) return home.error();
  AccountId account = home->account;
  if (!options.address.empty()) {
    const auto given = parse_address(options.address);
    if (!given) return no_address(options.address);
    account = *given;
  }
  const auto view = home->peer->account(account);
  if (!view) return view.error();
  print_balances({{address_of(account), "", view->balance, view->nonce}}, view->height,
                 options.format);
  return {};
}

Status balance(const WalletOptions& options) {
  if (options.ledger.empty() == options.home.empty())
    return Error{ErrorCode::bad_input,
                 "wallet balance: give --ledger DIR to read a ledger, or --home DIR to ask its "
                 "coordinator"};
  return options.ledger.empty() ? balance_over_network(options) : balance_from_ledger(options);
}

Status transfer(const WalletOptions& options) {
  const auto to = parse_address(options.to);
  if (!to) return no_address(options.to);
  const auto amount = contracts::parse_amount(options.amount);
  if (!amount || *amount == 0)
    return Error{ErrorCode::bad_input, "'" + options.amount +
                                           "' is no amount of tokens above 0; write it like 12 or "
                                           "0.5, with at most 9 decimals"};
  if (options.memo.size() > kMaxMemoBytes)
    return Error{ErrorCode::bad_input,
                 "--memo: at most " + std::to_string(kMaxMemoBytes) + " bytes"};
  if (!is_clean_text(options.memo))
    return Error{
        ErrorCode::bad_input,
        "--memo: one line of UTF-8 text without control characters and invisible marks: it "
        "goes on the ledger"};
  const auto home = open_account_home(options.home);
  if (!home) return home.error();
  const auto passphrase = obtain_passphrase(options.passphrase_file, false);
  if (!passphrase) return passphrase.error();
  const auto key = read_keystore(home->keystore, *passphrase);
  if (!key) return key.error();
  const auto view = home->peer->account(home->account);
  if (!view) return view.error();
  if (view->balance < *amount)
    return Error{ErrorCode::refused, "the account holds " +
                                         contracts::format_amount(view->balance) +
                                         " tokens, less than " + options.amount};
  Transaction transaction;
  transaction.type = TxType::transfer;
  transaction.chain_id = view->chain_id;
  transaction.sender = home->account;
  transaction.nonce = view->nonce;
  transaction.seen_height = view->height;
  transaction.seen_hash = view->tip_hash;
  transaction.body = encode_record(Transfer{*to, *amount, options.memo});
  const auto done = home->peer->submit(sign_transaction(transaction, *key));
  if (!done) return done.error();
  if (done->verdict == verdict_name(Verdict::wrong_nonce))
    return Error{ErrorCode::refused,
                 "another statement of this account came first; nothing was paid: pay again"};
  if (done->verdict == verdict_name(Verdict::balance_too_small))
    return Error{ErrorCode::refused,
                 "there is no account " + options.to +
                     " yet, and the chain wants more in the first transfer to one "
                     "(limits.least_new_balance; by default 1 token); nothing was paid"};
  if (done->verdict == verdict_name(Verdict::too_many_statements))
    return Error{ErrorCode::refused,
                 "this account has said as much as the chain allows while one round is the newest "
                 "(limits.statements_per_round); nothing was paid: pay again when the next round "
                 "has begun"};
  if (done->verdict != verdict_name(Verdict::ok))
    return Error{ErrorCode::refused, "the ledger refused the transfer: " + done->verdict +
                                         (done->detail.empty() ? "" : " (" + done->detail + ")") +
                                         "; nothing was paid"};
  if (options.format == "json") {
    std::printf("%s\n",
                json_text(json{{"txid", to_hex(done->txid)}, {"height", done->height}}).c_str());
  } else {
    std::printf("paid %s tokens to %s in block %llu, transaction %s\n",
                contracts::format_amount(*amount).c_str(), options.to.c_str(),
                static_cast<unsigned long long>(done->height), to_hex(done->txid).c_str());
  }
  return {};
}

}  // namespace

void add_wallet_commands(CLI::App& app, CommandContext& context) {
  const auto options = std::make_shared<WalletOptions>();
  CLI::App* wallet = app.add_subcommand("wallet", "Look at balances and pay");
  wallet->require_subcommand(1);
  wallet->footer("Example:\n  gradmint wallet balance --ledger HOME/ledger");
  const auto run = [&context, options](Status (*command)(const WalletOptions&)) {
    return [&context, options, command] {
      const Status done = command(*options);
      if (!done.ok()) context.exit_status = tell(done.error());
    };
  };

  CLI::App* show = wallet->add_subcommand("balance", "Tokens of one account, or of all");
  show->add_option("address", options->address,
                   "Whose (default: all of a ledger, or the home's own)")
      ->type_name("ADDRESS");
  show->add_option("--ledger", options->ledger, "Read this ledger, or a bundle")
      ->type_name("DIR|FILE");
  show->add_option("--home", options->home,
                   "Ask the coordinator of this worker or coordinator home")
      ->type_name("DIR");
  add_format_option(*show, options->format);
  show->footer("Example:\n  gradmint wallet balance --home ~/worker");
  show->callback(run(balance));

  CLI::App* pay = wallet->add_subcommand("transfer", "Pay tokens to an address");
  pay->add_option("to", options->to, "Who is paid")->required()->type_name("ADDRESS");
  pay->add_option("amount", options->amount, "Tokens, as in 12.5")->required()->type_name("AMOUNT");
  pay->add_option("--home", options->home, "The paying worker's or coordinator's home")
      ->required()
      ->type_name("DIR");
  pay->add_option("--memo", options->memo, "A few words that stay on the ledger for ever");
  pay->add_option(
         "--passphrase-file", options->passphrase_file,
         "File with the key's passphrase; without it GRADMINT_PASSPHRASE_FD or the terminal")
      ->type_name("FILE");
  add_format_option(*pay, options->format);
  pay->footer("Example:\n  gradmint wallet transfer gm1... 12.5 --home ~/worker");
  pay->callback(run(transfer));
}

}  // namespace gradmint
