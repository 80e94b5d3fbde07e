#include "coordinator/cli/model_commands.h"

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "coordinator/cli/ledger_view.h"
#include "kernels/base/printable.h"
#include "ledger/best_round.h"
#include "ledger/durable_file.h"
#include "ledger/json_text.h"
#include "ledger/metric_text.h"
#include "ledger/model/data_contract.h"
#include "ledger/model/layout.h"
#include "ledger/model/metrics_json.h"
#include "ledger/model/safetensors.h"
#include "ledger/scaler.h"

namespace gradmint {
namespace {

using nlohmann::json;

struct ModelOptions {
  std::filesystem::path ledger, output;
  std::optional<std::uint64_t> round;
  std::string best_by;  // empty: none is marked
  std::string format = "table";
};

// A model that the ledger names. Round 0 is the one that the first round started from.
struct NamedModel {
  std::uint64_t round = 0;
  Hash root;
  MetricSummaries metrics, training;
};

std::vector<NamedModel> models_of(const LedgerView& view) {
  std::vector<NamedModel> models = {{0, view.genesis.task.model_root, {}, {}}};
  const std::uint64_t newest = job_of(view.state).round;
  for (std::uint64_t round = 1; round <= newest; ++round) {
    const auto record = get<RoundRecord>(view.state, state_key::round(round));
    if (!record || record->phase != RoundPhase::settled) continue;
    models.push_back({round, record->result.model_root, record->metrics, record->training});
  }
  return models;
}

// The round whose model is the best by --best-by; 0 without it.
Result<std::uint64_t> best_of(const LedgerView& view, const std::string& best_by) {
  if (best_by.empty()) return std::uint64_t{0};
  const auto ranking = parse_ranking(best_by);
  if (!ranking) return Error{ErrorCode::bad_input, "--best-by: " + ranking.error().message};
  const auto best = best_round(view.state, *ranking);
  if (best) return best->round;
  return Error{
      ErrorCode::not_found,
      "--best-by " + best_by + ": no settled round has a measured '" + ranking->metric + "'"};
}

// How far predicted numbers are off in their own unit, where the contract says which.
json own_unit_of(const LedgerView& view, const NamedModel& model) {
  const auto contract = DataContract::decode(task_of(view.genesis, view.state).contract);
  const json loss = median_json(model.metrics, "loss");
  if (!contract || loss.is_null()) return {};
  const auto error = own_unit_error(*contract, loss.get<double>());
  return error ? json{{"rmse", *error}, {"rmse_of", contract->label}} : json();
}

void print_model(const LedgerView& view, const NamedModel& model, bool here, bool best) {
  std::string metrics = metrics_line(model.metrics);
  if (const json error = own_unit_of(view, model); !error.is_null()) {
    char text[64];
    std::snprintf(text, sizeof text, ", error %.6g in ", error["rmse"].get<double>());
    metrics += text + printable(error["rmse_of"].get<std::string>());
  }
  std::printf("%5llu%c %s  %-7s  %s\n", static_cast<unsigned long long>(model.round),
              best ? '*' : ' ', to_hex(model.root).c_str(), here ? "stored" : "missing",
              metrics.empty() ? "-" : metrics.c_str());
}

json model_json(const LedgerView& view, const NamedModel& model, bool here, bool best) {
  json line = {{"round", model.round},
               {"model_root", to_hex(model.root)},
               {"stored", here},
               {"best", best},
               {"metrics", number_json(model.metrics)},
               {"training", number_json(model.training)}};
  if (const json error = own_unit_of(view, model); !error.is_null()) line.update(error);
  return line;
}

Status list_models(const ModelOptions& options) {
  const auto view = open_ledger(options.ledger);
  if (!view) return view.error();
  const auto best = best_of(*view, options.best_by);
  if (!best) return best.error();
  json list = json::array();
  if (options.format == "table")
    std::printf("round  %-64s  %-7s  %s\n", "model root", "blob", "metrics");
  for (const NamedModel& model : models_of(*view)) {
    const bool here = view->blobs->contains(model.root),
               is_best = model.round == *best && *best > 0;
    if (options.format == "json") {
      list.push_back(model_json(*view, model, here, is_best));
    } else {
      print_model(*view, model, here, is_best);
    }
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

Result<NamedModel> choose(const LedgerView& view, const ModelOptions& options) {
  const std::vector<NamedModel> models = models_of(view);
  std::optional<std::uint64_t> round = options.round;
  if (!options.best_by.empty()) {
    if (round) return Error{ErrorCode::bad_input, "give --round or --best-by, not both"};
    const auto best = best_of(view, options.best_by);
    if (!best) return best.error();
    round = *best;
  }
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
  const auto model = choose(*view, options);
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
  std::map<std::string, std::string> metadata = model_metadata(task_of(view->genesis, view->state));
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
  const auto add_best_by = [&](CLI::App* command, const char* what) {
    command->add_option("--best-by", options->best_by, what)->type_name("METRIC");
  };
  add_best_by(list, "Mark the best by an attested metric: 'accuracy', 'lowest mae'");
  list->footer("Example:\n  gradmint model list --ledger HOME/ledger");
  list->callback(run(list_models));

  CLI::App* write = add_command("export", "Write a model as safetensors");
  write->add_option("--round", options->round, "Which (default: the newest; 0: the initial one)")
      ->check(whole_number())
      ->type_name("R");
  add_best_by(write, "The best by an attested metric instead: 'accuracy', 'lowest mae'");
  write->add_option("-o,--output", options->output, "Where to")
      ->required()
      ->type_name("FILE.safetensors");
  write->footer(
      "Example:\n  gradmint model export --round 12 -o model.safetensors --ledger HOME/ledger");
  write->callback(run(export_model));
}

}  // namespace gradmint
