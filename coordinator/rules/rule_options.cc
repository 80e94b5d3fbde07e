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
  const auto add = [&command](const char* option, auto& to, const char* meaning,
                              std::span<const kernels::RuleInfo> rules) {
    return command.add_option(option, to, meaning + names(rules))->type_name(kForm)->group(kRules);
  };
  add("--aggregator", words.aggregator, "How updates are combined: ", kernels::aggregator_rules())
      ->capture_default_str();
  add("--pre", words.pre, "Before it, in this order (again for each): ", kernels::pre_rules())
      ->expected(1)
      ->allow_extra_args(false)  // what follows the one rule is not another
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  add("--optimizer", words.optimizer,
      "Moves the model by what comes out: ", kernels::optimizer_rules())
      ->capture_default_str();
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
