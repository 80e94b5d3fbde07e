// What a hostile member may say to a real coordinator, and how often: a process of its own, spoken
// to by a client of our own.
#include <doctest/doctest.h>

#include <csignal>

#include "coordinator/protocol/client_transport.h"
#include "coordinator/protocol/endpoint.h"
#include "coordinator/protocol/invitation.h"
#include "ledger/hash.h"
#include "ledger/model/safetensors.h"
#include "ledger/records.h"
#include "ledger/transaction.h"
#include "tests/process/process.h"

using namespace gradmint;
using namespace gradmint::test;
namespace fs = std::filesystem;

namespace {

constexpr int kPatienceMs = kPatienceS * 1000;
constexpr int kDatasets = 5;  // that a worker may register

// A coordinator's home, made by its own program, and the running coordinator.
class Place {
 public:
  Place() {
    const auto layout = ModelLayout::create({{"weight", {4}, false}}).value();
    const Bytes model = write_safetensors(layout, std::vector<float>(4, 0.5f));
    write_text(folder_.path / "model.safetensors", std::string(model.begin(), model.end()));
    write_text(folder_.path / "passphrase", "of the test\n");
    fs::permissions(folder_.path / "passphrase", fs::perms::owner_read | fs::perms::owner_write);
    write_text(folder_.path / "config.toml",
               "[chain]\nenrolment = \"open\"\n"
               "[network]\njoin = \"tcp://127.0.0.1:0\"\nwork = \"tcp://127.0.0.1:0\"\n"
               "[task]\nmodel = \"external\"\ninitial = \"" +
                   (folder_.path / "model.safetensors").string() +
                   "\"\n"
                   "[rounds]\nmin_workers = 2\n"
                   "[evaluation]\nby = \"workers\"\n"
                   "[keys]\nscrypt_log2_n = 10\n"
                   "[run]\nbackend = \"cpu\"\n"
                   "[limits]\ndatasets_per_worker = " +
                   std::to_string(kDatasets) + "\n");
    const Ran made = run(command("init", {"--config", (folder_.path / "config.toml").string()}));
    CAPTURE(made.errors);
    REQUIRE(made.status == 0);
    start();
  }

  void start() {
    coordinator =
        std::make_unique<Process>(command("run", {"--events", "jsonl"}), folder_.path / "log");
    coordinator->await("started");
    const Ran ran =
        gradmint::test::run({program("gradmint-coordinator"), "invite", "--home", home()});
    CAPTURE(ran.errors);
    REQUIRE(ran.status == 0);
    invitation = parse_invitation(ran.output.substr(0, ran.output.find('\n'))).value();
  }
  void restart() {
    coordinator->signal(SIGTERM);
    REQUIRE(coordinator->wait() == 0);
    start();
  }
  std::string home() const { return (folder_.path / "home").string(); }
  std::string ledger() const { return home() + "/ledger"; }

  std::unique_ptr<ClientTransport> connect(const std::string& endpoint,
                                           const CurveKeyPair& key) const {
    ClientOptions options;
    options.endpoint = endpoint;
    options.server_key = invitation.coordinator_curve_key;
    options.key = key;
    auto client = ClientTransport::connect(options);
    REQUIRE(client);
    return *std::move(client);
  }

  std::unique_ptr<Process> coordinator;
  Invitation invitation;

 private:
  Words command(const std::string& name, const Words& more) const {
    Words words{program("gradmint-coordinator"),       name, "--home", home(), "--passphrase-file",
                (folder_.path / "passphrase").string()};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  Directory folder_;
};

template <class Answer>
Answer ask(ClientTransport& client, const Message& message) {
  auto answer = client.request(message, kPatienceMs);
  if (!answer) FAIL(answer.error().message);
  REQUIRE(std::holds_alternative<Answer>(answer->message));
  return std::get<Answer>(answer->message);
}

// Somebody with keys, an account and a connection to the join entrance.
struct Somebody {
  explicit Somebody(const Place& place, const std::string& secret)
      : key(SecretKey::from_bytes(sha256(as_bytes(secret))).value()),
        curve(new_curve_key_pair()),
        chain(place.invitation.chain_id),
        join(place.connect(place.invitation.join_endpoint, curve)) {}

  Welcome hello() const { return ask<Welcome>(*join, Hello{chain, "test"}); }
  SignedTransaction say(TxType type, Bytes body, std::uint64_t nonce, const Welcome& tip) const {
    Transaction t;
    t.type = type;
    t.chain_id = chain;
    t.sender = key.account();
    t.nonce = nonce;
    t.seen_height = tip.tip_height;
    t.seen_hash = tip.tip_hash;
    t.body = std::move(body);
    return sign_transaction(t, key);
  }
  Verdict enrol(const std::string& name) const {
    RegisterWorker body;
    body.public_key = key.public_key();
    body.curve_key = curve.public_key;
    body.name = name;
    const auto tx = say(TxType::register_worker, encode_record(body), 0, hello());
    return static_cast<Verdict>(ask<TransactionResult>(*join, Register{tx.bytes, {}}).verdict);
  }
  SignedTransaction dataset(int number, std::uint64_t nonce, const Welcome& tip) const {
    const RegisterDataset body{"data", sha256(as_bytes(std::to_string(number))), 1, "", "", ""};
    return say(TxType::register_dataset, encode_record(body), nonce, tip);
  }
  std::uint64_t height() const { return hello().tip_height; }
  bool exists() const { return ask<AccountState>(*join, GetAccount{key.account()}).exists; }

  SecretKey key;
  CurveKeyPair curve;
  Hash chain;
  std::unique_ptr<ClientTransport> join;
};

// Sends them all as fast as the connection takes them, and counts the answers. Who does not read
// as fast loses some of them.
std::map<Verdict, int> flood(ClientTransport& client, const std::vector<SignedTransaction>& all) {
  std::map<Verdict, int> answers;
  std::size_t sent = 0;
  bool over = false;
  for (int silent = 0; !over && silent < kPatienceS; ++silent) {
    while (sent < all.size() && client.send(SubmitTransaction{all[sent].bytes})) ++sent;
    if (sent == all.size()) (void)client.send(Ping{});
    for (const ClientInbound& inbound : client.poll(1000).inbound) {
      silent = 0;
      if (const auto* result = std::get_if<TransactionResult>(&inbound.message)) {
        ++answers[static_cast<Verdict>(result->verdict)];
      } else if (const auto* refusal = std::get_if<Refusal>(&inbound.message)) {
        CHECK(refusal->code == RefusalCode::overloaded);
        ++answers[Verdict::too_many_transactions];
      } else if (std::holds_alternative<Pong>(inbound.message)) {
        over = true;  // which it sends after all those answers
      }
    }
  }
  CHECK(over);
  return answers;
}

}  // namespace

TEST_CASE("statements: a worker's name that is no clean text never reaches the ledger") {
  Place place;
  const Somebody somebody(place, "hostile");
  for (const std::string& name :
       {std::string("\xff\xfe"), std::string("\x1b[2Jsettled"), std::string("a\nround 9 settled"),
        std::string("a\xc2\x9b[31m"), std::string("a\xe2\x80\xae"), std::string("a\0b", 3)}) {
    CAPTURE(to_hex(as_bytes(name)));
    CHECK(somebody.enrol(name) == Verdict::malformed_text);
    CHECK_FALSE(somebody.exists());
    CHECK(somebody.height() == 0);
  }
  CHECK(place.coordinator->running());
  // It starts again, and an honest name is welcome.
  place.restart();
  const Somebody again(place, "hostile");
  CHECK(again.height() == 0);
  CHECK(again.enrol("K\xc3\xa4the") == Verdict::ok);
  CHECK(again.exists());
  place.coordinator->signal(SIGTERM);
  CHECK(place.coordinator->wait() == 0);
  const Ran audit =
      run({program("gradmint"), "audit", "verify", "--ledger", place.ledger(), "--format", "json"});
  CAPTURE(audit.errors);
  CHECK(audit.status == 0);
}

TEST_CASE("statements: hundreds of datasets a second leave the ledger as it was") {
  Place place;
  const Somebody worker(place, "flooding");
  REQUIRE(worker.enrol("flooding") == Verdict::ok);
  const Welcome welcome = worker.hello();
  REQUIRE(welcome.admitted);
  const auto endpoint =
      resolve_work_endpoint(welcome.work_endpoint, place.invitation.join_endpoint);
  REQUIRE(endpoint);
  const auto work = place.connect(*endpoint, worker.curve);
  std::uint64_t nonce = 1;
  for (int i = 0; i < kDatasets; ++i) {
    const SubmitTransaction submit{worker.dataset(i, nonce++, welcome).bytes};
    REQUIRE(ask<TransactionResult>(*work, submit).verdict == 0);
  }
  const std::uint64_t height = worker.height();
  std::vector<SignedTransaction> many;
  for (int i = 0; i < 600; ++i) many.push_back(worker.dataset(kDatasets + i, nonce, welcome));
  const auto answers = flood(*work, many);
  int refused = 0;
  for (const auto& [verdict, count] : answers) {
    MESSAGE(verdict_name(verdict), ": ", count);
    CHECK(verdict != Verdict::ok);
    refused += count;
  }
  CHECK(answers.count(Verdict::too_many_datasets) == 1);
  CHECK(refused > 100);
  CHECK(worker.height() == height);
  // Nobody else has noticed.
  const Somebody other(place, "quiet");
  CHECK(other.enrol("quiet") == Verdict::ok);
}
