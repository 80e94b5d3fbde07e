#include "tests/ledger/world.h"

#include "ledger/hash.h"
#include "ledger/merkle.h"
#include "ledger/model/data_contract.h"
#include "ledger/model/layout.h"

namespace gradmint::test {
namespace {

constexpr std::uint64_t kGenesisTime = 1'700'000'000'000;

std::unique_ptr<kernels::Backend> backend() {
  return kernels::make_cpu_backend(kernels::cpu_level_from_environment().value(), 1);
}

Bytes bytes_of(std::span<const float> values) {
  const auto* first = reinterpret_cast<const std::uint8_t*>(values.data());
  return {first, first + values.size() * sizeof(float)};
}

std::vector<float> first_model(std::uint64_t parameters) {
  std::vector<float> model(parameters);
  for (std::size_t k = 0; k < model.size(); ++k) {
    model[k] = 0.5F - 0.0625F * static_cast<float>(k % 16);
  }
  return model;
}

AggregationSpec aggregation(const WorldOptions& options) {
  kernels::AggregateSpec spec;
  spec.optimizer.name = options.optimizer;
  if (options.clip) spec.pre = {{"clip", {{"tau", *options.clip}}}};
  if (options.aggregation) spec = *options.aggregation;
  return ledger_spec(kernels::complete_spec(spec).value());
}

std::string layout_of(const WorldOptions& options) {
  std::vector<TensorSpec> tensors{{"weight", {options.parameters}, false}};
  if (options.buffers > 0) tensors.push_back({"running_mean", {options.buffers}, true});
  return ModelLayout::create(std::move(tensors)).value().encode();
}

GenesisRecord make_genesis(const WorldOptions& options) {
  GenesisRecord genesis;
  genesis.name = "test";
  genesis.time_ms = kGenesisTime;
  for (int i = 0; i < options.validators; ++i) {
    const std::string name = "validator " + std::to_string(i);
    genesis.validators.push_back(
        {key_of(name).public_key(), seed_chain(hash_of(name), World::kSeedChainLength)});
  }
  genesis.allocations = {{key_of("validator 0").account(), 1'000}};
  genesis.emission = {1'000'000, 2, 4'000'000};
  const contracts::BuiltinRule rule = contracts::builtin_rule("linear");
  genesis.rule_source = rule.source;
  genesis.rule_manifest = rule.manifest;
  genesis.rule_abi = contracts::rule_abi();
  genesis.rule_limits.gas = options.rule_gas;
  genesis.task.model = "mlp";
  genesis.task.objective = "classification";
  if (!options.contract.empty()) {
    genesis.task.contract = options.contract;
    genesis.task.objective = DataContract::decode(options.contract)->task;
  }
  genesis.task.layout_root = blob_root(as_bytes(layout_of(options)));
  genesis.task.size = {options.parameters, options.buffers};
  genesis.task.model_root = vector_root(first_model(options.parameters + options.buffers));
  genesis.enrolment = options.enrolment;
  if (options.enrolment == Enrolment::allow_list) {
    genesis.allowed = {key_of("worker 0").account()};
  }
  genesis.limits.least_new_balance = 1;
  genesis.limits.registrations_per_round = kMaxMembers;
  genesis.limits.suspend_after_rounds = options.suspend_after_rounds;
  genesis.limits.rotation_delay_blocks = options.rotation_delay_blocks;
  if (options.limits) genesis.limits = *options.limits;
  genesis.nonce = hash_of("nonce");
  return genesis;
}

}  // namespace

SecretKey key_of(std::string_view name) { return SecretKey::from_bytes(hash_of(name)).value(); }
Hash hash_of(std::string_view name) { return sha256(as_bytes(name)); }
Hash seed_chain(const Hash& secret, int count) {
  Hash value = secret;
  for (int i = 0; i < count; ++i) value = sha256(value.view());
  return value;
}

World::World(const WorldOptions& options)
    : genesis(make_genesis(options)),
      chain(Chain::start(genesis).value()),
      model(first_model(options.parameters + options.buffers)),
      options_(options) {
  for (int i = 0; i < options.validators; ++i) {
    validators.push_back(key_of("validator " + std::to_string(i)));
  }
  for (int i = 0; i < options.workers; ++i) {
    workers.push_back(key_of("worker " + std::to_string(i)));
  }
  const std::string layout = layout_of(options);
  blobs[genesis.task.layout_root] = Bytes(layout.begin(), layout.end());
  blobs[genesis.task.model_root] = bytes_of(model);
}

Transaction World::draft(const SecretKey& who, TxType type, Bytes body) const {
  Transaction t;
  t.type = type;
  t.chain_id = chain.chain_id();
  t.sender = who.account();
  const auto account = get<AccountRecord>(chain.state(), state_key::account(t.sender));
  t.nonce = account ? account->nonce : 0;
  t.seen_height = chain.height();
  t.seen_hash = chain.tip_hash();
  t.body = std::move(body);
  return t;
}

Certificate World::certify(const Header& header, const std::vector<int>& signers) const {
  std::vector<std::pair<std::uint16_t, SecretKey>> voters;
  for (const int i : signers) {
    voters.emplace_back(static_cast<std::uint16_t>(i), validators[static_cast<std::size_t>(i)]);
  }
  return gradmint::certify(header, voters);
}

std::vector<Verdict> World::play(const std::vector<SignedTransaction>& transactions) {
  const BlockDraft draft =
      chain.prepare(transactions, kGenesisTime + chain.height() * 1000, validator().account());
  BlockDraft again;
  GRADMINT_CHECK(chain.process(draft.block, {}, again) == Verdict::ok);
  GRADMINT_CHECK(again.block_hash == draft.block_hash && again.changes == draft.changes);
  std::vector<int> everyone;
  for (int i = 0; i < options_.validators; ++i) everyone.push_back(i);
  const Certificate certificate = certify(draft.block.header, everyone);
  GRADMINT_CHECK(verify_certificate(certificate, draft.block.header, genesis.validators) ==
                 Verdict::ok);
  played.push_back({draft, certificate});
  chain.commit(again);
  GRADMINT_CHECK(conservation_holds(chain.state(), genesis));
  return draft.verdicts;
}

void World::empty_blocks(int count) {
  for (int i = 0; i < count; ++i) play({});
}

RegisterWorker World::registration(int worker) const {
  const std::string name = "worker " + std::to_string(worker);
  RegisterWorker body;
  body.public_key = workers[static_cast<std::size_t>(worker)].public_key();
  body.curve_key = hash_of("curve key of " + name);
  body.name = name;
  if (genesis.enrolment == Enrolment::invitation)
    body.invitation_hash = hash_of("code for " + name);
  return body;
}

RegisterDataset World::dataset(int worker) const {
  const std::string name = "data of worker " + std::to_string(worker);
  return {name, hash_of(name), kSamples, "x:f32[4],y:class", "made for a test", "CC0-1.0"};
}

OpenRound World::open_body() const {
  const JobRecord job = job_of(chain.state());
  const auto current = current_round(chain.state());
  OpenRound body;
  const bool retry = current && current->phase == RoundPhase::abandoned;
  body.round = retry ? job.round : job.round + 1;
  body.attempt = retry ? current->attempt + 1 : 0;
  body.model_root = job.model_root;
  body.optimizer_root = job.optimizer_root;
  body.aggregation = aggregation(options_);
  body.encoding = options_.encoding;
  body.limits.min_updates = options_.min_updates;
  body.limits.evaluation_blocks = options_.evaluation_blocks;
  body.members = members_of(chain.state());
  for (const SecretKey& v : validators) body.evaluators.push_back(v.account());
  std::sort(body.evaluators.begin(), body.evaluators.end());
  return body;
}

Hash World::seed_preimage() const {
  const auto head = chain.state().find(state_key::seed_head(validator().account()));
  for (int i = kSeedChainLength - 1; i >= 0; --i) {
    const Hash candidate = seed_chain(hash_of("validator 0"), i);
    const Hash next = sha256(candidate.view());
    if (std::equal(head->begin(), head->end(), next.bytes.begin())) return candidate;
  }
  GRADMINT_CHECK(false);
  return {};
}

CloseCommits World::close_body() const {
  const RoundRecord current = round();
  return plan_close(current.round, current.attempt, seed_preimage(),
                    commits_of(chain.state(), current.round, current.attempt));
}

RoundExecution World::execute() const {
  const RoundRecord current = round();
  std::map<AccountId, Opening> openings;
  for (const CloseEntry& entry : current.close.entries) {
    const int worker = worker_of(entry.worker);
    if (!silent.contains(worker)) openings[entry.worker] = opening_of(worker);
  }
  const auto verdicts = ledger_verdicts(chain.state(), current, genesis.task.size, openings);
  std::vector<Bytes> held;
  held.reserve(verdicts.size());
  RoundInputs inputs;
  inputs.open = &current.open;
  inputs.close = &current.close;
  inputs.model = model;
  inputs.buffer_count = genesis.task.size.buffers;
  inputs.optimizer_state = optimizer_state;
  for (std::size_t i = 0; i < verdicts.size(); ++i) {
    const AccountId& account = current.close.entries[i].worker;
    RoundPayload payload;
    payload.verdict = verdicts[i];
    const auto commit = get<CommitRecord>(
        chain.state(), state_key::commit(current.round, current.attempt, account));
    payload.exponent = commit->body.exponent;
    if (openings.contains(account)) {
      payload.opening = openings[account];
      held.push_back(encoded_of(worker_of(account)));
      if (payload.verdict == Verdict::ok) payload.bytes = held.back();
    }
    inputs.payloads.push_back(payload);
  }
  return execute_round(inputs, *backend()).value();
}

RoundResult World::result_body() const { return execute().result; }

AbandonRound World::abandon_body() const {
  const RoundRecord current = round();
  AbandonRound body;
  body.round = current.round;
  body.attempt = current.attempt;
  if (current.phase != RoundPhase::revealing) return body;
  std::map<AccountId, Opening> revealed;
  for (const CloseEntry& entry : current.close.entries) {
    const int worker = worker_of(entry.worker);
    if (!silent.contains(worker)) revealed[entry.worker] = opening_of(worker);
  }
  for (const auto& [worker, opening] : revealed) body.revealed.push_back({worker, opening});
  return body;
}

RevealEvaluation World::evaluation_body(const SecretKey& evaluator) const {
  RevealEvaluation body;
  body.round = round().round;
  const std::int64_t off = evaluator.account().bytes[0];
  body.metrics = evaluation_metrics;
  if (body.metrics.empty()) body.metrics = {{"accuracy", 900'000 + off}, {"loss", 700'000 + off}};
  body.examples = 50;
  body.salt = sha256(evaluator.account().view());
  return body;
}

CommitEvaluation World::evaluation_commitment_body(const SecretKey& evaluator) const {
  return {round().round, evaluation_commitment(evaluator.account(), round().result.model_root,
                                               evaluation_body(evaluator))};
}

SettleRound World::settle_body() const {
  std::vector<EvaluationRecord> evaluations;
  chain.state().scan(state_key::evaluation_prefix(round().round),
                     [&](const std::string&, const Bytes& value) {
                       evaluations.push_back(*decode_record<EvaluationRecord>(value));
                     });
  return plan_settlement(round(), commits_of(chain.state(), round().round, round().attempt),
                         evaluations);
}

void World::enrol() {
  std::vector<SignedTransaction> registrations, datasets;
  for (int i = 0; i < options_.workers; ++i) {
    registrations.push_back(say(workers[static_cast<std::size_t>(i)], registration(i)));
  }
  play(registrations);
  for (int i = 0; i < options_.workers; ++i) {
    datasets.push_back(say(workers[static_cast<std::size_t>(i)], dataset(i)));
  }
  play(datasets);
}

void World::open() { must(validator(), open_body()); }

void World::commit(const std::vector<int>& order) {
  std::vector<int> senders = order;
  for (int i = 0; order.empty() && i < options_.workers; ++i) senders.push_back(i);
  std::vector<SignedTransaction> commits;
  for (const int i : senders) {
    commits.push_back(say(workers[static_cast<std::size_t>(i)], commit_body(i)));
  }
  for (const Verdict v : play(commits)) GRADMINT_CHECK(v == Verdict::ok);
}

void World::close() { must(validator(), close_body()); }

void World::keep_blobs(const RoundResult& result, const RoundExecution& execution) {
  for (const ResultEntry& entry : result.entries) {
    if (!entry.opening) continue;
    blobs[entry.opening->root] = encoded_of(worker_of(entry.worker));
  }
  blobs[result.model_root] = bytes_of(execution.model);
  if (!execution.optimizer_state.empty()) {
    blobs[result.optimizer_root] = bytes_of(execution.optimizer_state);
  }
}

void World::result() {
  const RoundExecution execution = execute();
  keep_blobs(execution.result, execution);
  must(validator(), execution.result);
  model.assign(execution.model.begin(), execution.model.end());
  optimizer_state.assign(execution.optimizer_state.begin(), execution.optimizer_state.end());
}

void World::lie(const std::function<void(RoundResult&)>& change) {
  const RoundExecution execution = execute();
  keep_blobs(execution.result, execution);
  RoundResult body = execution.result;
  change(body);
  must(validator(), body);
}

void World::attest() {
  std::vector<SignedTransaction> commitments, reveals;
  for (const SecretKey& v : validators)
    commitments.push_back(say(v, evaluation_commitment_body(v)));
  play(commitments);
  for (const SecretKey& v : validators) reveals.push_back(say(v, evaluation_body(v)));
  play(reveals);
}

void World::settle() { must(validator(), settle_body()); }

void World::run_round() {
  open();
  commit();
  close();
  result();
  attest();
  settle();
}

void World::run_round_of(const std::vector<int>& present) {
  open();
  commit(present);
  close();
  result();
  attest();
  settle();
}

std::vector<AccountId> members_by_scan(const StateReader& state) {
  std::vector<std::pair<std::uint64_t, AccountId>> workers;
  state.scan(state_key::kAccountPrefix, [&](const std::string& key, const Bytes& value) {
    const auto account = decode_record<AccountRecord>(value);
    const AccountId id = id_of_key(key);
    if (account->is_worker && account->datasets > 0 && !state.find(state_key::suspension(id)))
      workers.emplace_back(account->registered_height, id);
  });
  std::sort(workers.begin(), workers.end());
  if (workers.size() > kMaxMembers) workers.resize(kMaxMembers);
  std::vector<AccountId> members;
  for (const auto& [height, worker] : workers) members.push_back(worker);
  std::sort(members.begin(), members.end());
  return members;
}

}  // namespace gradmint::test
