#include "coordinator/rules/rule_options.h"

namespace gradmint {
namespace {

constexpr const char* kForm = "NAME[:parameter=value,...]";
constexpr const char* kRules = "Rules";

std::string names(std::span<const kernels::RuleInfo> rules) {
  std::string text;
  for (const kernels::RuleInfo& rule : rules) {
    text += (text.empty() ? "" : ", ") + std::string(rule.name);
  }
  return text;
}

}  // namespace

void add_rule_options(CLI::App& command, RuleWords& words) {
  command
      .add_option("--aggregator", words.aggregator,
                  "How updates are combined: " + names(kernels::aggregator_rules()))
      ->type_name(kForm)
      ->capture_default_str()
      ->group(kRules);
  command
      .add_option("--pre", words.pre,
                  "Before it, in this order (again for each): " + names(kernels::pre_rules()))
      ->type_name(kForm)
      ->expected(1)
      ->allow_extra_args(false)  // what follows the one rule is not another
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->group(kRules);
  command
      .add_option("--optimizer", words.optimizer,
                  "Moves the model by what comes out: " + names(kernels::optimizer_rules()))
      ->type_name(kForm)
      ->capture_default_str()
      ->group(kRules);
  for (const std::string& name : kernels::parameter_names()) {
    command
        .add_option_function<std::string>(
            "--" + name,
            [&words, name](const std::string& text) {
              words.parameters.push_back({name, text});
            },
            kernels::parameter_help(name))
        ->type_name("VALUE")
        ->group("Parameters of the rules");
  }
}

}  // namespace gradmint
