// gradmint-worker contract: what an operator's sample means, for models that init-model does not
// make.
#include <iostream>
#include <memory>

#include "coordinator/config/path_option.h"
#include "kernels/base/printable.h"
#include "ledger/durable_file.h"
#include "worker/cli/arguments.h"
#include "worker/cli/commands.h"

namespace gradmint {
namespace {

struct ContractArguments {
  DataArguments data;
  std::string output;
  std::string config;
};

Status write_contract(const ContractArguments& arguments) {
  if (Status own = check_output(arguments.output, {arguments.data.data}); !own) return own;
  const auto data = load_all(arguments.data);
  if (!data) return data.error();
  for (const std::string& remark : data->remarks) std::cout << printable(remark) << "\n";
  const auto contract = contract_asked(arguments.data, *data);
  if (!contract) return contract.error();
  const std::string text = contract->encode();
  if (auto fits = DataContract::decode(text); !fits) return fits.error();
  if (Status written = replace_file(arguments.output, as_bytes(text + "\n")); !written)
    return written;
  std::cout << printable(describe(*contract)) << "\nwritten to " << printable(arguments.output)
            << std::endl;
  return {};
}

}  // namespace

void add_contract(CLI::App& app, int& status) {
  auto arguments = std::make_shared<ContractArguments>();
  CLI::App* command =
      app.add_subcommand("contract", "Write the data contract of a sample, for task.contract");
  command->footer(
      "Example:\n  gradmint worker contract --data csv:sample.csv --label outcome -o "
      "contract.json");
  add_data_options(*command, arguments->data);
  add_scaler_option(*command, arguments->data);
  command->add_option("-o,--output", arguments->output, "Where to")
      ->type_name("FILE.json")
      ->required()
      ->check(some_path());
  command->add_option("--config", arguments->config, "TOML file with these options")
      ->type_name("FILE.toml");
  command->callback([arguments, &status] {
    const Status done = write_contract(*arguments);
    status = done.ok() ? kExitOk : report(done.error());
  });
}

}  // namespace gradmint
