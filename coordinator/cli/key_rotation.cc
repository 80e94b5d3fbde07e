#include "coordinator/cli/key_rotation.h"

#include <cstdio>
#include <nlohmann/json.hpp>

#include "coordinator/cli/account_peer.h"
#include "coordinator/protocol/curve.h"
#include "ledger/directory_lock.h"
#include "ledger/durable_file.h"
#include "ledger/json_input.h"
#include "ledger/json_text.h"
#include "ledger/keystore.h"
#include "ledger/records.h"

namespace gradmint {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr unsigned kPrivate = 0600;
constexpr std::size_t kMaxKeyFileBytes = 64 * 1024;

struct KeyFiles {
  fs::path worker, curve, next_worker, next_curve;
  explicit KeyFiles(const fs::path& home)
      : worker(home / "keys" / "worker.json"),
        curve(home / "keys" / "curve.json"),
        next_worker(home / "keys" / "worker.next.json"),
        next_curve(home / "keys" / "curve.next.json") {}
};

Error damaged(const fs::path& file) {
  return {ErrorCode::corrupt, file.string() + " is damaged; restore it from a copy"};
}

// The public half, which the file must follow from its secret one.
Result<Hash> public_curve_key(const fs::path& file) {
  const auto bytes = read_file(file, kMaxKeyFileBytes);
  if (!bytes) return bytes.error();
  const auto object =
      parse_untrusted_json({reinterpret_cast<const char*>(bytes->data()), bytes->size()});
  if (!object || !object->is_object()) return damaged(file);
  const auto secret = hash_from_hex(text_member(*object, "secret").value_or(""));
  const auto pair = secret ? curve_key_pair_of(*secret) : std::nullopt;
  if (!pair || hash_from_hex(text_member(*object, "public").value_or("")) != pair->public_key)
    return damaged(file);
  return pair->public_key;
}

// The connection key first: once the other file is there, both are.
Status make_next(const KeyFiles& files, const AccountId& account, const std::string& passphrase) {
  const CurveKeyPair pair = new_curve_key_pair();
  const json curve{{"public", to_hex(pair.public_key)}, {"secret", to_hex(pair.secret_key)}};
  if (Status s = replace_file(files.next_curve, as_bytes(json_text(curve) + "\n"), kPrivate); !s)
    return s;
  const auto key = generate_key();
  if (!key) return key.error();
  return write_keystore(files.next_worker, key->for_account(account), passphrase);
}

Result<Submitted> say(AccountPeer& peer, const RotateKey& body, const SecretKey& signer) {
  const auto view = peer.account(body.account);
  if (!view) return view.error();
  Transaction t;
  t.type = TxType::rotate_key;
  t.chain_id = view->chain_id;
  t.sender = body.account;
  t.nonce = view->nonce;
  t.seen_height = view->height;
  t.seen_hash = view->tip_hash;
  t.body = encode_record(body);
  return peer.submit(sign_transaction(t, signer));
}

Error refusal_of(const Submitted& submitted) {
  if (submitted.verdict == verdict_name(Verdict::wrong_nonce)) {
    return {ErrorCode::refused,
            "another statement of this account came first; no key was changed: run this again"};
  }
  return {ErrorCode::refused,
          "the ledger refused the new keys: " + submitted.verdict + "; no key was changed"};
}

// Signed by whichever key is the account's: the new one when an earlier run was cut off, or when
// the operator has asked for it.
Status have_accepted(AccountPeer& peer, const KeyFiles& files, const RotateKey& body,
                     const SecretKey& next, const std::string& passphrase) {
  const auto by_next = say(peer, body, next);
  if (!by_next) return by_next.error();
  if (by_next->verdict == verdict_name(Verdict::ok)) return {};
  if (by_next->verdict != verdict_name(Verdict::bad_signature)) return refusal_of(*by_next);
  const auto present = read_keystore(files.worker, passphrase);
  if (!present) {
    return Error{present.error().code,
                 "the ledger does not have the new keys yet, and the present one cannot ask for "
                 "them: " +
                     present.error().message};
  }
  const auto by_present = say(peer, body, *present);
  if (!by_present) return by_present.error();
  if (by_present->verdict == verdict_name(Verdict::ok)) return {};
  return refusal_of(*by_present);
}

Status put_in_place(const KeyFiles& files) {
  for (const auto& [from, to] :
       {std::pair{files.next_worker, files.worker}, std::pair{files.next_curve, files.curve}}) {
    const auto bytes = read_file(from, kMaxKeyFileBytes);
    if (!bytes) return bytes.error();
    if (Status s = replace_file(to, *bytes, kPrivate); !s) return s;
  }
  std::error_code failed;
  for (const fs::path& file : {files.next_worker, files.next_curve}) {
    if (!fs::remove(file, failed))
      return Error{ErrorCode::io, file.string() + ": could not be removed; remove it by hand"};
  }
  return sync_directory(files.worker.parent_path());
}

void show(const RotationOptions& o, const RotateKey& body, bool stands) {
  const std::string address = address_of(body.account);
  if (o.format == "json") {
    std::printf("%s\n", json_text(json{{"address", address},
                                       {"state", stands ? "rotated" : "prepared"},
                                       {"public_key", to_hex(body.public_key)},
                                       {"curve_key", to_hex(body.curve_key)}})
                            .c_str());
  } else if (stands) {
    std::printf("%s has its new keys: %s\n", address.c_str(), to_hex(body.public_key).c_str());
  } else {
    std::printf(
        "new keys are made; have the coordinator's operator run\n  gradmint coordinator "
        "member rotate %s --public-key %s --curve-key %s --home HOME\nand again after the "
        "delay that it names; then: gradmint keys rotate --home %s\n",
        address.c_str(), to_hex(body.public_key).c_str(), to_hex(body.curve_key).c_str(),
        o.home.c_str());
  }
}

}  // namespace

Status rotate_keys(const RotationOptions& options) {
  const KeyFiles files(options.home);
  if (!fs::exists(files.worker)) {
    return Error{ErrorCode::not_found, "--home " + options.home.string() +
                                           ": no worker's home; it has no " +
                                           files.worker.string()};
  }
  const auto held = DirectoryLock::take(
      options.home, "a worker runs in " + options.home.string() + ": stop it first");
  if (!held) return held.error();
  auto home = open_account_home(options.home);
  if (!home) return home.error();
  const bool fresh = !fs::exists(files.next_worker);
  const auto passphrase = obtain_passphrase(options.passphrase_file, fresh && options.lost);
  if (!passphrase) return passphrase.error();
  if (fresh && !options.lost) {  // no new keys under a passphrase that was mistyped
    if (const auto present = read_keystore(files.worker, *passphrase); !present)
      return present.error();
  }
  if (fresh) {
    if (Status s = make_next(files, home->account, *passphrase); !s) return s;
  }
  const auto next = read_keystore(files.next_worker, *passphrase);
  if (!next) return next.error();
  const auto curve = public_curve_key(files.next_curve);
  if (!curve) return curve.error();
  const RotateKey body{home->account, next->public_key(), *curve};
  if (!options.lost) {
    if (Status s = have_accepted(*home->peer, files, body, *next, *passphrase); !s) return s;
    if (Status s = put_in_place(files); !s) return s;
  }
  show(options, body, !options.lost);
  return {};
}

}  // namespace gradmint
