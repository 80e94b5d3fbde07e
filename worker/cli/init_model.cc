// gradmint-worker init-model: the model a run starts from.
#include <iostream>
#include <memory>

#include "kernels/base/printable.h"
#include "ledger/durable_file.h"
#include "ledger/merkle.h"
#include "ledger/model/safetensors.h"
#include "worker/cli/commands.h"
#include "worker/cli/model_arguments.h"

namespace gradmint {
namespace {

struct InitArguments {
  DataArguments data;
  ModelArguments model;
  std::string output;
  std::string config;
};

int run(const InitArguments& arguments) {
  Result<ModelOptions> options = model_options(arguments.model);
  if (!options) return report(options.error());
  if (Status own = check_output(arguments.output, {arguments.data.data, options->model}); !own)
    return report(own.error());
  Result<Dataset> data = load_all(arguments.data);
  if (!data) return report(data.error());
  for (const std::string& remark : data->remarks)
    std::cout << "data         " << printable(remark) << "\n";
  Result<InitialModel> model = make_initial_model(*options, *data, arguments.data.seed);
  if (!model) return report(model.error());
  const auto asked = contract_asked(arguments.data, *data);
  if (!asked) return report(asked.error());
  const std::string contract = asked->encode();
  if (Result<DataContract> fits = DataContract::decode(contract); !fits)
    return report(fits.error());
  std::map<std::string, std::string> metadata{{kContractMetadataKey, contract}};
  metadata[kModelMetadataKey] = options->model.ends_with(".pt") ? "torchscript" : options->model;
  if (options->model.ends_with(".pt")) {
    Result<Hash> hash = model_file_hash(options->model);
    if (!hash) return report(hash.error());
    metadata[kProgramMetadataKey] = to_hex(*hash);
    std::cout << "model file   " << to_hex(*hash) << "\n";
  }
  const Bytes file = write_safetensors(model->layout, model->parameters, metadata);
  if (Status status = replace_file(arguments.output, file); !status) return report(status.error());
  std::cout << "parameters   " << model->layout.size().parameters << " in "
            << model->layout.tensors().size() << " tensors\n";
  if (model->layout.size().buffers != 0)
    std::cout << "buffers      " << model->layout.size().buffers << " values\n";
  std::cout << "model root   " << to_hex(blob_root(encode_flat_fp32(model->parameters))) << "\n"
            << "contract     " << printable(describe(*asked)) << "\n"
            << "layout root  " << to_hex(blob_root(as_bytes(model->layout.encode()))) << "\n"
            << "written to   " << printable(arguments.output) << std::endl;
  return kExitOk;
}

}  // namespace

void add_init_model(CLI::App& app, int& status) {
  auto arguments = std::make_shared<InitArguments>();
  CLI::App* command = app.add_subcommand("init-model", "Write a model's initial parameters");
  command->footer(
      "Example:\n  gradmint worker init-model --data digits --model mlp --seed 7 -o "
      "initial.safetensors");
  add_data_options(*command, arguments->data);
  add_scaler_option(*command, arguments->data);
  add_model_options(*command, arguments->model);
  command->get_option("--seed")->description("of the initial weights");
  command->add_option("-o,--output", arguments->output, "Where to")
      ->type_name("FILE.safetensors")
      ->required();
  command->add_option("--config", arguments->config, "TOML file with these options")
      ->type_name("FILE.toml");
  command->callback([arguments, &status] { status = run(*arguments); });
}

}  // namespace gradmint
