#include "coordinator/aggregate_cli/check_command.h"

#include <string>
#include <utility>

#include "kernels/fixed_point.h"
#include "kernels/krum.h"

namespace gradmint {
namespace {

namespace fs = std::filesystem;

Error bad(std::string message) { return {ErrorCode::bad_input, std::move(message)}; }

Status check_count(const char* option, std::size_t given, std::size_t files) {
  if (given == 0 || given == files) return {};
  return bad(std::string(option) + " names " + std::to_string(given) + " for " +
             std::to_string(files) + " files: one for each file is needed, in their order");
}

// Whether the aggregator looks at weights.
bool weighs(const kernels::NamedRule& aggregator) {
  if (aggregator.name == "mean") return true;
  return aggregator.name == "multi_krum" && kernels::parameter_of(aggregator, "convention") ==
                                                static_cast<float>(kernels::KrumConvention::flower);
}

Status check_weighing(const AggregateCommand& command, const kernels::AggregateSpec& spec) {
  const char* const option = !command.weights.empty()     ? "--weights"
                             : !command.staleness.empty() ? "--staleness"
                                                          : nullptr;
  if (option == nullptr || weighs(spec.aggregator)) return {};
  return bad(std::string(option) + ": aggregator '" + spec.aggregator.name +
             "' gives every file the same weight; leave it out, or use mean or "
             "multi_krum:convention=flower");
}

Status check_weights(const AggregateCommand& command) {
  for (std::size_t i = 0; i < command.weights.size(); ++i) {
    if (command.weights[i] >= 1 && command.weights[i] <= kernels::kMaxWeight) continue;
    return bad("--weights: " + std::to_string(command.weights[i]) + " for '" +
               command.inputs[i].string() + "' must be in [1, " +
               std::to_string(kernels::kMaxWeight) + "]");
  }
  return {};
}

Status check_optimizer(const AggregateCommand& command, const kernels::AggregateSpec& spec) {
  const std::string optimizer = "optimizer '" + spec.optimizer.name + "'";
  const bool stateful = kernels::optimizer_state_per_value(spec.optimizer.name) > 0;
  if (command.model.empty()) {
    if (command.optimizer_was_named || !command.spec.optimizer.parameters.empty()) {
      return bad(optimizer + " moves a model: name it with --model");
    }
    return {};
  }
  if (stateful && command.state_out.empty()) {
    return bad(optimizer + " keeps a state: say with --state-out where its new one goes");
  }
  return {};
}

Status check_state(const AggregateCommand& command, const kernels::AggregateSpec& spec) {
  if (kernels::optimizer_state_per_value(spec.optimizer.name) > 0) return {};
  for (const auto& [option, path] :
       {std::pair{"--state", command.state}, std::pair{"--state-out", command.state_out}}) {
    if (!path.empty()) {
      return bad(std::string(option) + ": optimizer '" + spec.optimizer.name +
                 "' keeps no state; leave it out");
    }
  }
  return {};
}

bool same_file(const fs::path& a, const fs::path& b) {
  std::error_code failed;
  if (fs::equivalent(a, b, failed) && !failed) return true;
  return fs::absolute(a).lexically_normal() == fs::absolute(b).lexically_normal();
}

// What is written must not take the place of anything that is read, or of the other.
Status check_written(const AggregateCommand& command) {
  std::vector<fs::path> read = command.inputs;
  for (const fs::path& path : {command.model, command.state, command.centre}) {
    if (!path.empty()) read.push_back(path);
  }
  for (const auto& [option, path] :
       {std::pair{"--output", command.output}, std::pair{"--state-out", command.state_out}}) {
    if (path.empty()) continue;
    const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
    std::error_code failed;
    if (!fs::is_directory(folder, failed)) {
      return bad(std::string(option) + " '" + path.string() + "': there is no folder '" +
                 folder.string() + "'; make it first");
    }
    for (const fs::path& other : read) {
      if (same_file(path, other)) {
        return bad(std::string(option) + " '" + path.string() + "' is also read (as '" +
                   other.string() + "'): choose another name");
      }
    }
  }
  if (!command.state_out.empty() && same_file(command.output, command.state_out)) {
    return bad("--output and --state-out are the same file: choose another name for one");
  }
  return {};
}

}  // namespace

Status check_command(const AggregateCommand& command, const kernels::AggregateSpec& spec) {
  const std::size_t files = command.inputs.size();
  if (files == 0) return bad("no input file was named: at least one is needed");
  if (command.output.empty()) return bad("--output is empty: name the file to write");
  if (files > kernels::kMaxUpdates) {
    return bad(std::to_string(files) + " input files: at most " +
               std::to_string(kernels::kMaxUpdates) + " can be summed exactly");
  }
  if (const Status s = check_count("--weights", command.weights.size(), files); !s.ok()) return s;
  if (const Status s = check_count("--staleness", command.staleness.size(), files); !s.ok()) {
    return s;
  }
  if (const Status s = check_weights(command); !s.ok()) return s;
  if (const Status s = check_weighing(command, spec); !s.ok()) return s;
  if (!command.centre.empty() && spec.aggregator.name != "centered_clipping") {
    return bad("--centre: aggregator '" + spec.aggregator.name +
               "' starts from none; it belongs to centered_clipping");
  }
  if (const Status s = check_optimizer(command, spec); !s.ok()) return s;
  if (const Status s = check_state(command, spec); !s.ok()) return s;
  return check_written(command);
}

}  // namespace gradmint
