#include "coordinator/cli/model_commands.h"

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "coordinator/cli/ledger_view.h"
#include "ledger/durable_file.h"
#include "ledger/json_text.h"
#include "ledger/model/data_contract.h"
#include "ledger/model/layout.h"
#include "ledger/model/safetensors.h"

namespace gradmint {
namespace {

using nlohmann::json;

struct ModelOptions {
  std::filesystem::path ledger, output;
  std::optional<std::uint64_t> round;
  std::string format = "table";
};

// A model that the ledger names. Round 0 is the one that the first round started from.
struct NamedModel {
  std::uint64_t round = 0;
  Hash root;
  bool attested = false;
  std::uint32_t accuracy_ppm = 0;
  std::int64_t loss_micro = 0;
};

double loss_of(const NamedModel& model) { return static_cast<double>(model.loss_micro) / 1e6; }

std::vector<NamedModel> models_of(const LedgerView& view) {
  std::vector<NamedModel> models = {{0, view.genesis.task.model_root, false, 0, 0}};
  const std::uint64_t newest = job_of(view.state).round;
  for (std::uint64_t round = 1; round <= newest; ++round) {
    const auto record = get<RoundRecord>(view.state, state_key::round(round));
    if (!record || record->phase != RoundPhase::settled) continue;
    models.push_back({round, record->result.model_root, record->attestations > 0,
                      record->accuracy_ppm, record->loss_micro});
  }
  return models;
}

Status list_models(const ModelOptions& options) {
  const auto view = open_ledger(options.ledger);
  if (!view) return view.error();
  json list = json::array();
  const bool regression = view->genesis.task.objective == "regression";
  const auto contract = DataContract::decode(view->genesis.task.contract);
  if (options.format == "table") {
    std::printf("%5s  %-64s  %9s  %10s  %s\n", "round", "model root",
                regression ? "R2" : "accuracy", regression && contract ? "error" : "loss", "blob");
  }
  for (const NamedModel& model : models_of(*view)) {
    const bool here = view->blobs->contains(model.root);
    if (options.format == "json") {
      json line = {{"round", model.round}, {"model_root", to_hex(model.root)}, {"stored", here}};
      line[regression ? "r2" : "accuracy"] =
          model.attested ? json(model.accuracy_ppm / 1e6) : json();
      line["loss"] = model.attested ? json(loss_of(model)) : json();
      if (model.attested && regression && contract)
        line["rmse"] = *own_unit_error(*contract, loss_of(model));
      list.push_back(std::move(line));
      continue;
    }
    char accuracy[32] = "-", loss[32] = "-";
    if (model.attested) {
      const auto error = contract ? own_unit_error(*contract, loss_of(model)) : std::nullopt;
      std::snprintf(accuracy, sizeof accuracy, regression ? "%.4f" : "%.2f %%",
                    model.accuracy_ppm / (regression ? 1e6 : 1e4));
      std::snprintf(loss, sizeof loss, error ? "%.6g" : "%.4f", error.value_or(loss_of(model)));
    }
    std::printf("%5llu  %s  %9s  %10s  %s\n", static_cast<unsigned long long>(model.round),
                to_hex(model.root).c_str(), accuracy, loss, here ? "stored" : "missing");
  }
  if (options.format == "json") std::printf("%s\n", json_text(json{{"models", list}}).c_str());
  return {};
}

// The bytes of a blob, verified, or an error that says which one of the model's it is.
Result<MappedFile> blob_of(const LedgerView& view, const Hash& root, std::uint64_t cap_bytes,
                           const std::string& what) {
  auto blob = view.blobs->get_verified(root, cap_bytes);
  if (!blob) return Error{blob.error().code, what + ": " + blob.error().message};
  return blob;
}

Result<NamedModel> choose(const LedgerView& view, const std::optional<std::uint64_t>& round) {
  const std::vector<NamedModel> models = models_of(view);
  if (!round) return models.back();
  for (const NamedModel& model : models)
    if (model.round == *round) return model;
  return Error{ErrorCode::not_found, "--round " + std::to_string(*round) +
                                         ": the ledger has no settled round of that "
                                         "number; the newest is " +
                                         std::to_string(models.back().round)};
}

Status export_model(const ModelOptions& options) {
  const auto view = open_ledger(options.ledger);
  if (!view) return view.error();
  const auto model = choose(*view, options.round);
  if (!model) return model.error();
  const auto layout_blob =
      blob_of(*view, view->genesis.task.layout_root, kMaxLayoutBytes, "the model's layout");
  if (!layout_blob) return layout_blob.error();
  const ByteView text = layout_blob->bytes();
  const auto layout = ModelLayout::decode(
      std::string_view(reinterpret_cast<const char*>(text.data()), text.size()));
  if (!layout) return Error{layout.error().code, "the model's layout: " + layout.error().message};
  const std::string what = "the model of round " + std::to_string(model->round);
  const auto blob = blob_of(*view, model->root, layout->value_count() * sizeof(float), what);
  if (!blob) return blob.error();
  const auto values = decode_flat_fp32(blob->bytes());
  if (!values) return Error{values.error().code, what + ": " + values.error().message};
  if (values->size() != layout->value_count())
    return Error{ErrorCode::corrupt, what + " has " + std::to_string(values->size()) +
                                         " values, its layout " +
                                         std::to_string(layout->value_count())};
  std::map<std::string, std::string> metadata = model_metadata(view->genesis.task);
  metadata["gradmint.chain_id"] = to_hex(view->genesis.chain_id());
  metadata["gradmint.round"] = std::to_string(model->round);
  metadata["gradmint.model_root"] = to_hex(model->root);
  const auto bytes = write_safetensors(*layout, *values, metadata);
  if (Status written = replace_file(options.output, bytes); !written.ok()) return written;
  std::printf("wrote the model of round %llu (%zu values, root %s) to %s\n",
              static_cast<unsigned long long>(model->round), values->size(),
              to_hex(model->root).c_str(), printable(options.output.string()).c_str());
  return {};
}

}  // namespace

void add_model_commands(CLI::App& app, CommandContext& context) {
  const auto options = std::make_shared<ModelOptions>();
  CLI::App* model = app.add_subcommand("model", "List and export the models a ledger names");
  model->require_subcommand(1);
  model->footer("Example:\n  gradmint model export -o model.safetensors --ledger HOME/ledger");
  const auto run = [&context, options](Status (*command)(const ModelOptions&)) {
    return [&context, options, command] {
      const Status done = command(*options);
      if (!done.ok()) context.exit_status = tell(done.error());
    };
  };
  const auto add_command = [&](const char* name, const char* what) {
    CLI::App* command = model->add_subcommand(name, what);
    command
        ->add_option("--ledger", options->ledger,
                     "A coordinator's HOME/ledger, a copy of it, or a bundle (audit export)")
        ->required()
        ->type_name("DIR|FILE");
    return command;
  };

  CLI::App* list = add_command("list", "The model after each settled round");
  add_format_option(*list, options->format);
  list->footer("Example:\n  gradmint model list --ledger HOME/ledger");
  list->callback(run(list_models));

  CLI::App* write = add_command("export", "Write a model as safetensors");
  write->add_option("--round", options->round, "Which (default: the newest; 0: the initial one)")
      ->check(whole_number())
      ->type_name("R");
  write->add_option("-o,--output", options->output, "Where to")
      ->required()
      ->type_name("FILE.safetensors");
  write->footer(
      "Example:\n  gradmint model export --round 12 -o model.safetensors --ledger HOME/ledger");
  write->callback(run(export_model));
}

}  // namespace gradmint
