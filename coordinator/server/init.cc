#include "coordinator/server/init.h"

#include "coordinator/order/restore_chain.h"
#include "coordinator/server/seed_chain.h"
#include "ledger/blobs.h"
#include "ledger/durable_file.h"
#include "ledger/execute_round.h"
#include "ledger/hash.h"
#include "ledger/keystore.h"
#include "ledger/model/data_contract.h"
#include "ledger/model/safetensors.h"

namespace gradmint {
namespace {

using std::filesystem::exists;

// No worker loads a larger one.
constexpr std::uint64_t kProgramBytesMax = std::uint64_t{64} << 30;

struct Keys {
  SecretKey validator;
  Hash seed_secret;
};

Result<Keys> make_keys(const Home& home, const Settings& settings, const std::string& passphrase) {
  if (Status s = create_directory_synced(home.keys()); !s) return s.error();
  if (Status s = keep_to_owner(home.keys()); !s) return s.error();
  if (!exists(home.validator_key())) {
    auto key = generate_key();
    if (!key) return key.error();
    if (Status s = write_keystore(home.validator_key(), *key, passphrase, {settings.scrypt_log2_n});
        !s) {
      return s.error();
    }
  }
  if (!exists(home.seed_chain())) {
    if (Status s = write_secret(home.seed_chain(), random_hash()); !s) return s.error();
  }
  if (!exists(home.curve_key())) {
    if (Status s = write_curve_key(home.curve_key(), new_curve_key_pair()); !s) return s.error();
  }
  auto validator = read_keystore(home.validator_key(), passphrase);
  if (!validator) return validator.error();
  auto seed = read_secret(home.seed_chain());
  if (!seed) return seed.error();
  return Keys{*std::move(validator), *seed};
}

// Of the built-in models: their first and last tensors say how many columns and outputs there are.
std::string misfit(const Settings& settings, const LoadedModel& model,
                   const DataContract& contract) {
  if (settings.model != "mlp" && settings.model != "cnn") return {};
  std::uint64_t inputs = contract.columns.size();
  if (contract.kind == DataKind::image)
    inputs = contract.shape[0] * contract.shape[1] * contract.shape[2];
  const std::uint64_t outputs = contract.task == "regression" ? 1 : contract.classes.size();
  for (const TensorSpec& tensor : model.layout.tensors()) {
    const auto expects = [&](std::uint64_t has, std::uint64_t wanted, const char* what) {
      return "its tensor '" + tensor.name + "' is for " + std::to_string(has) + " " + what +
             ", the data contract has " + std::to_string(wanted) + " (" + describe(contract) + ")";
    };
    if (tensor.name == "output.bias" && tensor.shape.size() == 1 && tensor.shape[0] != outputs)
      return expects(tensor.shape[0], outputs, "outputs");
    if (tensor.name == "hidden.weight" && tensor.shape.size() == 2 && tensor.shape[1] != inputs)
      return expects(tensor.shape[1], inputs, "values of a sample");
  }
  return {};
}

Result<DataContract> read_contract_file(const std::filesystem::path& file) {
  auto bytes = read_file(file, kMaxContractBytes);
  if (!bytes) return bytes.error();
  auto contract = DataContract::parse(std::string(bytes->begin(), bytes->end()));
  if (!contract)
    return Error{ErrorCode::bad_input, file.string() + ": " + contract.error().message};
  return contract;
}

// The data contract: of a file of its own, or of the one that came with the initial model.
Result<std::string> read_contract(const Settings& settings, const LoadedModel& model) {
  std::string text;
  std::string from = settings.initial.string();
  const auto carried = model.metadata.find(kContractMetadataKey);
  if (!settings.contract.empty()) {
    from = settings.contract.string();
    const auto given = read_contract_file(settings.contract);
    if (!given) return given.error();
    text = given->encode();
    if (carried != model.metadata.end() && carried->second != text) {
      return Error{ErrorCode::bad_input, "task.contract (" + from + ") is not the contract that " +
                                             settings.initial.string() +
                                             " carries, under which its numbers mean something: "
                                             "leave task.contract out, or make the model anew"};
    }
  } else if (carried != model.metadata.end()) {
    text = carried->second;
  } else if (settings.model == "mlp" || settings.model == "cnn") {
    return Error{ErrorCode::bad_input,
                 from +
                     " has no data contract: make it with gradmint worker init-model, or name "
                     "one with task.contract (gradmint worker contract)"};
  } else {
    return text;
  }
  const auto contract = DataContract::decode(text);
  if (!contract) return Error{ErrorCode::bad_input, from + ": " + contract.error().message};
  if (const std::string fault = misfit(settings, model, *contract); !fault.empty()) {
    return Error{ErrorCode::bad_input, settings.initial.string() + ": " + fault};
  }
  if (!settings.objective.empty() && settings.objective != contract->task) {
    return Error{ErrorCode::bad_input, "task.objective is " + settings.objective +
                                           ", the data contract in " + from + " is for " +
                                           contract->task};
  }
  return text;
}

// Stores the initial model and its layout, and names them.
Result<TaskSpec> make_task(const Home& home, const Settings& settings) {
  if (settings.initial.empty()) {
    return Error{
        ErrorCode::bad_input,
        "task.initial names no safetensors file: make one with gradmint worker init-model"};
  }
  auto file = MappedFile::open(settings.initial);
  if (!file) return file.error();
  auto model = read_safetensors(file->bytes(), settings.buffers);
  if (!model)
    return Error{model.error().code, settings.initial.string() + ": " + model.error().message};
  // Read again as a model of its own layout: values that are not finite are refused here.
  auto values = read_safetensors_as(file->bytes(), model->layout);
  if (!values)
    return Error{values.error().code, settings.initial.string() + ": " + values.error().message};

  TaskSpec task;
  task.model = settings.model;
  auto contract = read_contract(settings, *model);
  if (!contract) return contract.error();
  task.contract = *std::move(contract);
  task.objective = !task.contract.empty()       ? DataContract::decode(task.contract)->task
                   : settings.objective.empty() ? "classification"
                                                : settings.objective;
  task.size = model->layout.size();
  const BlobStore blobs = home.blob_store();
  const std::string layout = model->layout.encode();
  auto layout_root = blobs.put(as_bytes(layout));
  if (!layout_root) return layout_root.error();
  auto model_root = blobs.put(encode_flat_fp32(*values));
  if (!model_root) return model_root.error();
  task.layout_root = *layout_root;
  task.model_root = *model_root;
  if (!settings.program.empty()) {
    auto program = MappedFile::open(settings.program, kProgramBytesMax);
    if (!program) return program.error();
    task.program_hash = sha256(program->bytes());
  }
  return task;
}

}  // namespace

GenesisRecord make_genesis(const Settings& settings, const TaskSpec& task,
                           const Validator& validator, std::uint64_t time_ms, const Hash& nonce) {
  GenesisRecord genesis;
  genesis.name = settings.name;
  genesis.time_ms = time_ms;
  genesis.validators.push_back(validator);
  genesis.emission = settings.emission;
  genesis.rule_source = settings.rule_source;
  genesis.rule_manifest = settings.rule_manifest;
  genesis.rule_abi = contracts::rule_abi();
  genesis.task = task;
  genesis.enrolment = settings.enrolment;
  genesis.allowed = settings.allowed;
  genesis.limits = settings.chain_limits;
  genesis.nonce = nonce;
  return genesis;
}

Result<InitOutcome> init_home(const Home& home, const Settings& settings,
                              const std::string& passphrase, std::uint64_t time_ms) {
  if (Status s = create_directory_synced(home.root); !s) return s.error();
  auto lock = lock_home(home);
  if (!lock) return lock.error();
  if (exists(home.ledger() / "checkpoint")) {
    return Error{ErrorCode::bad_input,
                 home.root.string() + " already holds a ledger: run it, or choose another home"};
  }
  auto keys = make_keys(home, settings, passphrase);
  if (!keys) return keys.error();
  auto task = make_task(home, settings);
  if (!task) return task.error();

  const GenesisRecord genesis = make_genesis(
      settings, *task, {keys->validator.public_key(), SeedChain(keys->seed_secret).head()}, time_ms,
      random_hash());
  if (Status s = create_ledger(home.ledger(), home.signer_files(), keys->validator, genesis); !s)
    return s.error();
  return InitOutcome{genesis.chain_id(), keys->validator.account(), task->size,
                     task->contract.empty() ? "" : describe(*DataContract::decode(task->contract))};
}

}  // namespace gradmint
