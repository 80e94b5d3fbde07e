#include "coordinator/cli/account_peer.h"

#include <nlohmann/json.hpp>

#include "contracts/amount.h"
#include "coordinator/protocol/admin_link.h"
#include "ledger/durable_file.h"
#include "ledger/json_input.h"

namespace gradmint {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr int kAnswerMs = 15'000;
constexpr std::size_t kMaxHomeFileBytes = 64 * 1024;

Result<json> read_object(const fs::path& file) {
  const auto bytes = read_file(file, kMaxHomeFileBytes);
  if (!bytes) return bytes.error();
  auto object = parse_untrusted_json({reinterpret_cast<const char*>(bytes->data()), bytes->size()});
  if (!object || !object->is_object())
    return Error{ErrorCode::corrupt, file.string() + " is damaged; restore it from a copy"};
  return object;
}

Result<Hash> hash_at(const json& object, const char* key, const fs::path& file) {
  const auto hash = hash_from_hex(text_member(object, key).value_or(""));
  if (!hash)
    return Error{ErrorCode::corrupt,
                 file.string() + " is damaged: '" + key + "' is not 64 hexadecimal digits"};
  return *hash;
}

// The wrong answer to a question: a coordinator of another kind.
Error unexpected(const char* question) {
  return {ErrorCode::refused,
          std::string("the coordinator gave no answer that fits to ") + question};
}

class NetworkPeer : public AccountPeer {
 public:
  NetworkPeer(std::unique_ptr<ClientTransport> transport, const Hash& chain_id)
      : transport_(std::move(transport)), chain_id_(chain_id) {}

  Result<AccountView> account(const AccountId& id) override {
    const auto greeted = transport_->request(Hello{chain_id_, "gradmint"}, kAnswerMs);
    if (!greeted) return greeted.error();
    const auto* welcome = std::get_if<Welcome>(&greeted->message);
    if (welcome == nullptr) return unexpected("Hello");
    const auto answered = transport_->request(GetAccount{id}, kAnswerMs);
    if (!answered) return answered.error();
    const auto* state = std::get_if<AccountState>(&answered->message);
    if (state == nullptr) return unexpected("GetAccount");
    return AccountView{state->nonce,        state->balance,    state->exists,
                       welcome->tip_height, welcome->tip_hash, welcome->chain_id};
  }

  Result<Submitted> submit(const SignedTransaction& transaction) override {
    const auto answered = transport_->request(SubmitTransaction{transaction.bytes}, kAnswerMs);
    if (!answered) return answered.error();
    const auto* result = std::get_if<TransactionResult>(&answered->message);
    if (result == nullptr) return unexpected("SubmitTransaction");
    return Submitted{std::string(verdict_name(static_cast<Verdict>(result->verdict))),
                     result->height, result->txid, result->detail};
  }

 private:
  std::unique_ptr<ClientTransport> transport_;
  Hash chain_id_;
};

class AdminPeer : public AccountPeer {
 public:
  explicit AdminPeer(AdminLink link) : link_(std::move(link)) {}

  Result<AccountView> account(const AccountId& id) override {
    const auto reply = ask({{"op", "account"}, {"account", to_hex(id)}});
    if (!reply) return reply.error();
    const auto balance = contracts::parse_amount(reply->value("balance", ""));
    const auto tip = hash_from_hex(reply->value("tip_hash", ""));
    const auto chain = hash_from_hex(reply->value("chain_id", ""));
    if (!balance || !tip || !chain) return unexpected("account");
    return AccountView{
        reply->value("nonce", std::uint64_t{0}),      *balance, reply->value("exists", false),
        reply->value("tip_height", std::uint64_t{0}), *tip,     *chain};
  }

  Result<Submitted> submit(const SignedTransaction& transaction) override {
    const auto reply = ask({{"op", "submit"}, {"transaction", to_hex(transaction.bytes)}});
    if (!reply) return reply.error();
    return Submitted{reply->value("verdict", "malformed"), reply->value("height", std::uint64_t{0}),
                     hash_from_hex(reply->value("txid", "")).value_or(transaction.id), ""};
  }

 private:
  Result<json> ask(const json& question) { return link_.ask(question, kAnswerMs); }

  AdminLink link_;
};

Result<AccountHome> open_home(const fs::path& keystore) {
  const auto object = read_object(keystore);
  if (!object) return object.error();
  const auto account = parse_address(text_member(*object, "address").value_or(""));
  if (!account)
    return Error{ErrorCode::corrupt, keystore.string() + " is damaged; restore it from a copy"};
  return AccountHome{keystore, *account, nullptr};
}

Result<std::unique_ptr<AccountPeer>> worker_peer(const fs::path& home) {
  const fs::path connection_file = home / "connection.json";
  const auto connection = read_object(connection_file);
  if (!connection) return connection.error();
  ClientOptions options;
  options.endpoint = text_member(*connection, "join").value_or("");
  const auto server = hash_at(*connection, "coordinator_curve_key", connection_file);
  if (!server) return server.error();
  const auto chain = hash_at(*connection, "chain_id", connection_file);
  if (!chain) return chain.error();
  options.server_key = *server;
  options.key = new_curve_key_pair();  // the join entrance takes any
  auto transport = ClientTransport::connect(options);
  if (!transport) return transport.error();
  return std::unique_ptr<AccountPeer>(new NetworkPeer(*std::move(transport), *chain));
}

Result<std::unique_ptr<AccountPeer>> admin_peer(const fs::path& home) {
  auto link = AdminLink::open(home);
  if (!link) return link.error();
  return std::unique_ptr<AccountPeer>(new AdminPeer(*std::move(link)));
}

}  // namespace

Result<AccountHome> open_account_home(const fs::path& home) {
  const fs::path worker_key = home / "keys" / "worker.json";
  const fs::path validator_key = home / "keys" / "validator.json";
  std::error_code failed;
  const bool is_worker = fs::exists(worker_key, failed);
  if (!is_worker && !fs::exists(validator_key, failed))
    return Error{ErrorCode::not_found,
                 "--home " + home.string() + ": neither a worker's nor a coordinator's home"};
  auto opened = open_home(is_worker ? worker_key : validator_key);
  if (!opened) return opened;
  auto peer = is_worker ? worker_peer(home) : admin_peer(home);
  if (!peer) return peer.error();
  opened->peer = *std::move(peer);
  return opened;  // NOLINT(clang-analyzer-cplusplus.NewDeleteLeaks): it loses sight of the moved
                  // peer
}

}  // namespace gradmint
