#include "tests/fuzz/session_stage.h"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "coordinator/server/init.h"
#include "kernels/base/check.h"
#include "ledger/keystore.h"
#include "ledger/model/safetensors.h"

namespace gradmint::fuzz {
namespace {

using hostile::RawPeer;
constexpr int kPatienceMs = 60'000;
constexpr int kHandshakeMs = 1000;
constexpr int kPauseMs = 50;
constexpr const char* kPassphrase = "fuzz";

void must(const Status& status) {
  if (!status.ok()) std::fprintf(stderr, "fuzz: %s\n", status.error().message.c_str());
  GRADMINT_CHECK(status.ok());
}
template <class T>
T must(Result<T> result) {
  if (!result.ok()) std::fprintf(stderr, "fuzz: %s\n", result.error().message.c_str());
  GRADMINT_CHECK(result.ok());
  return *std::move(result);
}

void write(const std::filesystem::path& file, ByteView bytes) {
  std::ofstream out(file, std::ios::binary);
  out.write(reinterpret_cast<const char*>(bytes.data()),
            static_cast<std::streamsize>(bytes.size()));
  GRADMINT_CHECK(static_cast<bool>(out.flush()));
}

Settings settings_in(const std::filesystem::path& folder) {
  const ModelLayout layout = must(ModelLayout::create({{"w", {8}, false}}));
  const std::vector<float> zeros(8);
  write(folder / "model.safetensors", write_safetensors(layout, zeros));
  const std::string text =
      "[chain]\nname = \"fuzz\"\nenrolment = \"open\"\n"
      "[network]\njoin = \"tcp://127.0.0.1:0\"\nwork = \"tcp://127.0.0.1:0\"\n"
      "[task]\nmodel = \"external\"\ninitial = \"" +
      (folder / "model.safetensors").string() +
      "\"\n"
      "[rounds]\ncount = 1000000\nmin_workers = 1\nmin_updates = 1\ntrain_deadline_ms = 200\n"
      "reveal_deadline_ms = 200\nstall_deadline_ms = 100\nsuspend_after = 1000000\n"
      "[limits]\nregistrations_per_round = 16\nstatements_per_round = 65536\n"
      "[evaluation]\nby = \"workers\"\n"
      "[keys]\nscrypt_log2_n = 10\n"
      "[run]\nbackend = \"cpu\"\nthreads = 1\n";
  write(folder / "config.toml", as_bytes(text));
  return must(load_settings(folder / "config.toml"));
}

SecretKey key_number(std::uint8_t number) {
  Hash secret;
  secret.bytes.fill(number);
  return SecretKey::from_bytes(secret).value();
}

}  // namespace

SessionStage& SessionStage::get() {
  static SessionStage stage;
  return stage;
}

SessionStage::SessionStage() {
  spdlog::set_level(spdlog::level::off);
  std::string name = (std::filesystem::temp_directory_path() / "gradmint-fuzz-XXXXXX").string();
  GRADMINT_CHECK(mkdtemp(name.data()) != nullptr);
  folder_ = name;
  const Settings settings = settings_in(folder_);
  const Home home{folder_ / "home"};
  chain_id_ = must(init_home(home, settings, kPassphrase, 1)).chain_id;
  const SecretKey validator = must(read_keystore(home.validator_key(), kPassphrase));
  server_key_ = must(read_curve_key(home.curve_key())).public_key;
  const auto take = [this](const nlohmann::json& event) {
    if (event.at("event") != "started") return;
    join_ = event.at("join");
    work_ = event.at("work");
  };
  coordinator_ = must(Coordinator::open(home, settings, validator, Reporter(take)));
  loop_ = std::thread([this] { must(coordinator_->run(stop_)); });
  for (std::size_t i = 0; i <= kMembers; ++i) enrol(i);
  GRADMINT_CHECK(connect(honest_, kMembers));
  check_alive();
}

SessionStage::~SessionStage() {
  stop_ = true;
  coordinator_->wake();
  loop_.join();
  coordinator_.reset();
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

bool SessionStage::connect(RawPeer& peer, std::size_t who) const {
  const bool member = who < members_.size();
  return peer.connect(member ? work_ : join_) &&
         peer.shake_hands(server_key_, member ? members_[who].curve : stranger_,
                          hostile::dealer_properties(), kHandshakeMs);
}

Message SessionStage::ask(RawPeer& peer, const Message& request) {
  const std::uint64_t id = ++requests_;
  const Bytes frame = encode_message(request, id).value();
  GRADMINT_CHECK(peer.send_frame(frame, 0, kPatienceMs));
  for (;;) {
    const auto answer = peer.receive(kPatienceMs);
    GRADMINT_CHECK(answer.has_value());
    const DecodedMessage decoded = decode_message(answer->body);
    if (!decoded.ok() || decoded.request_id != id) continue;
    const auto* refusal = std::get_if<Refusal>(&decoded.message);
    if (refusal == nullptr) return decoded.message;
    // The fuzzer asks faster than a member may; what it is owed is an answer, not a fast one.
    // Asking again at once would be a flood.
    if (refusal->code != RefusalCode::rate_limited) {
      std::fprintf(stderr, "fuzz: %s\n", refusal->detail.c_str());
    }
    GRADMINT_CHECK(refusal->code == RefusalCode::rate_limited);
    static_cast<void>(peer.receive(kPauseMs));
    GRADMINT_CHECK(peer.send_frame(frame, 0, kPatienceMs));
  }
}

void SessionStage::enrol(std::size_t member) {
  const SecretKey key = key_number(static_cast<std::uint8_t>(member + 1));
  const CurveKeyPair curve = new_curve_key_pair();
  RegisterWorker body;
  body.public_key = key.public_key();
  body.curve_key = curve.public_key;
  body.name = "member " + std::to_string(member);
  RawPeer peer;  // at join, with the key that it registers
  GRADMINT_CHECK(peer.connect(join_) && peer.shake_hands(server_key_, curve));
  members_.push_back({key, curve});
  const auto tip = std::get<Welcome>(ask(peer, Hello{chain_id_, "fuzz", {}}));
  Transaction transaction;
  transaction.type = TxType::register_worker;
  transaction.chain_id = chain_id_;
  transaction.sender = key.account();
  transaction.seen_height = tip.tip_height;
  transaction.seen_hash = tip.tip_hash;
  transaction.body = encode_record(body);
  const auto result = std::get<TransactionResult>(
      ask(peer, Register{sign_transaction(transaction, key).bytes, {}}));
  if (result.verdict != 0) std::fprintf(stderr, "fuzz: %s\n", result.detail.c_str());
  GRADMINT_CHECK(result.verdict == 0);
}

Bytes SessionStage::statement(std::size_t member, TxType type, Bytes body) {
  const SecretKey& key = members_[member].key;
  Transaction transaction;
  transaction.type = type;
  transaction.chain_id = chain_id_;
  transaction.sender = key.account();
  transaction.nonce = nonces_[member]++;
  transaction.seen_height = tip_.tip_height;
  transaction.seen_hash = tip_.tip_hash;
  transaction.body = std::move(body);
  return sign_transaction(transaction, key).bytes;
}

void SessionStage::check_alive() {
  const auto state = std::get<RoundState>(ask(honest_, GetRound{}));
  round_ = state.round;
  attempt_ = state.attempt;
  tip_ = std::get<Welcome>(ask(honest_, Hello{chain_id_, "fuzz", {}}));
  for (std::size_t i = 0; i < kMembers; ++i) {
    const GetAccount question{members_[i].key.account()};
    nonces_[i] = std::get<AccountState>(ask(honest_, question)).nonce;
  }
}

}  // namespace gradmint::fuzz
