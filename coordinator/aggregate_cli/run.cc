#include "coordinator/aggregate_cli/run.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "coordinator/aggregate_cli/agreement.h"
#include "coordinator/aggregate_cli/check_command.h"
#include "coordinator/aggregate_cli/inputs.h"
#include "coordinator/aggregate_cli/row_part.h"
#include "coordinator/aggregate_cli/state_file.h"
#include "coordinator/aggregate_cli/tensor_output.h"
#include "kernels/aggregate.h"
#include "kernels/buffers.h"
#include "kernels/fixed_point.h"
#include "ledger/model/buffers.h"

namespace gradmint {
namespace {

namespace fs = std::filesystem;

constexpr float kNothingBeside = 0x1p-27F;

// A file beside the inputs: the model, the centre.
struct Companion {
  std::optional<TensorFile> file;
  std::optional<FlatValues> values;

  Status open(const fs::path& path) {
    if (path.empty()) return {};
    auto opened = open_tensor_file(path);
    if (!opened.ok()) return opened.error();
    file.emplace(*std::move(opened));
    return {};
  }
  Status read(const ModelLayout& layout, const fs::path& scratch) {
    if (!file) return {};
    auto flat = FlatValues::from(*file, places_of(layout), scratch);
    if (!flat.ok()) return flat.error();
    values.emplace(*std::move(flat));
    return {};
  }
};

// All that goes into kernels::aggregate and must live as long.
struct Job {
  Companion model, centre;
  std::optional<TensorFile> state_file;
  std::optional<FlatValues> state;
  InputSet inputs;
  std::vector<float> zeros;            // in place of a model or state that was not given
  kernels::AggregateInput input;       // parameters
  std::vector<kernels::Row> buffers;   // of each file, in the order of input.updates
  std::span<const float> old_buffers;  // the model's
};

ByteView bytes_of(std::span<const float> values) {
  return {reinterpret_cast<const std::uint8_t*>(values.data()), values.size_bytes()};
}

fs::path scratch_of(const AggregateCommand& command) {
  const fs::path parent = command.output.parent_path();
  return parent.empty() ? fs::path(".") : parent;
}

std::vector<InputArgument> arguments_of(const AggregateCommand& command) {
  std::vector<InputArgument> arguments;
  for (std::size_t i = 0; i < command.inputs.size(); ++i) {
    InputArgument argument{command.inputs[i], 1, std::nullopt};
    if (!command.weights.empty()) {
      argument.weight = static_cast<std::uint32_t>(command.weights[i]);
    }
    if (!command.staleness.empty()) {
      argument.staleness = command.staleness[i];
    }
    arguments.push_back(std::move(argument));
  }
  return arguments;
}

Status load(const AggregateCommand& command, const kernels::AggregateSpec& spec,
            const ProgressListener& listener, Job& job) {
  const fs::path scratch = scratch_of(command);
  if (const Status opened = job.model.open(command.model); !opened.ok()) return opened;
  if (const Status opened = job.centre.open(command.centre); !opened.ok()) return opened;
  std::vector<const TensorFile*> companions;
  if (job.model.file) companions.push_back(&*job.model.file);
  if (job.centre.file) companions.push_back(&*job.centre.file);
  auto inputs = load_inputs(arguments_of(command), companions, command.buffers, command.integers,
                            command.threads, scratch, listener);
  if (!inputs.ok()) return inputs.error();
  job.inputs = *std::move(inputs);
  if (const Status read = job.model.read(job.inputs.layout, scratch); !read.ok()) return read;
  if (const Status read = job.centre.read(job.inputs.layout, scratch); !read.ok()) return read;
  if (command.state.empty()) return {};
  auto file = open_tensor_file(command.state);
  if (!file.ok()) return file.error();
  job.state_file.emplace(*std::move(file));
  auto state = load_state(*job.state_file, spec.optimizer.name,
                          kernels::optimizer_state_per_value(spec.optimizer.name),
                          job.inputs.layout, scratch);
  if (!state.ok()) return state.error();
  job.state.emplace(*std::move(state));
  return {};
}

// As given, or discounted by how late each file is.
Result<std::vector<std::uint32_t>> weights_of(const AggregateCommand& command,
                                              const InputSet& inputs) {
  std::vector<std::uint32_t> weights;
  std::vector<std::uint64_t> examples, staleness;
  for (const InputFile& file : inputs.files) {
    weights.push_back(file.weight);
    examples.push_back(file.weight);
    staleness.push_back(file.staleness.value_or(0));
  }
  if (command.staleness.empty()) return weights;
  return kernels::staleness_weights(examples, staleness, command.discount);
}

Status prepare(const AggregateCommand& command, const kernels::AggregateSpec& spec, Job& job) {
  auto weights = weights_of(command, job.inputs);
  if (!weights.ok()) return weights.error();
  job.input.weights = *std::move(weights);
  const ModelSize& length = job.inputs.layout.size();
  std::vector<int> exponents;
  for (const InputFile& file : job.inputs.files) {
    job.input.updates.push_back(part_of(file.values.row(), 0, length.parameters));
    job.buffers.push_back(part_of(file.values.row(), length.parameters, length.buffers));
    exponents.push_back(file.values.exponent());
  }
  job.input.round_exponent = kernels::choose_round_exponent(exponents);
  if (job.centre.values) {  // the caller's own: it is summed too, and never refused
    job.input.round_exponent = std::max(job.input.round_exponent, job.centre.values->exponent());
  }
  job.input.shift =
      kernels::choose_shift(job.input.round_exponent, *std::ranges::max_element(job.input.weights));
  job.input.want_outside = true;
  if (job.centre.values) {
    job.input.centre = kernels::Row(job.centre.values->values().first(length.parameters));
  }
  const std::size_t moments =
      length.parameters * kernels::optimizer_state_per_value(spec.optimizer.name);
  job.zeros.assign(std::max(job.model.values ? 0 : length.values(), job.state ? 0 : moments), 0.0f);
  const std::span<const float> zeros = job.zeros;
  const auto model = job.model.values ? job.model.values->values() : zeros.first(length.values());
  job.input.model = model.first(length.parameters);
  job.old_buffers = model.subspan(length.parameters);
  job.input.optimizer_state = job.state ? job.state->values() : zeros.first(moments);
  return {};
}

std::vector<ByteView> mappings_of(const Job& job) {
  std::vector<ByteView> mappings;
  for (const InputFile& file : job.inputs.files) {
    mappings.push_back(file.values.bytes());
  }
  if (job.centre.values) mappings.push_back(bytes_of(job.centre.values->values()));
  return mappings;
}

// The kernels number the updates; here they are files, and E comes from them.
Error with_files(const Error& error, const Job& job) {
  const std::string word = "update ";
  Error named = error;
  const std::size_t at = named.message.find(word);
  if (at == std::string::npos) return named;
  const std::size_t begin = at + word.size();
  std::size_t end = begin;
  while (end < named.message.size() && named.message[end] >= '0' && named.message[end] <= '9') {
    ++end;
  }
  if (end == begin || end - begin > 4) return named;
  const std::size_t index = std::stoul(named.message.substr(begin, end - begin));
  if (index < job.inputs.files.size()) {
    named.message.replace(at, end - at, job.inputs.files[index].file.quoted());
  }
  return named;
}

std::map<std::string, std::string> metadata_of(const kernels::AggregateSpec& spec, const Job& job) {
  std::string hashes, weights;
  for (const InputFile& file : job.inputs.files) {
    hashes += (hashes.empty() ? "" : " ") + to_hex(file.sha256);
  }
  for (const std::uint32_t weight : job.input.weights) {
    weights += (weights.empty() ? "" : " ") + std::to_string(weight);
  }
  return {{kSafetensorsLayoutKey, job.inputs.layout.encode()},
          {"gradmint.pre", pre_text(spec)},
          {"gradmint.aggregator", aggregator_text(spec)},
          {"gradmint.optimizer", optimizer_text(spec)},
          {"gradmint.inputs", hashes},
          {"gradmint.weights", weights},
          {"gradmint.round_exponent", std::to_string(job.input.round_exponent)},
          {"gradmint.shift", std::to_string(job.input.shift)}};
}

// Of integer tensors: the model, if there is one, then the inputs as they were given.
std::vector<const TensorFile*> sources_of(const Job& job) {
  std::vector<const TensorFile*> sources(job.inputs.files.size());
  for (const InputFile& input : job.inputs.files) sources[input.argument] = &input.file;
  if (job.model.file && !integer_tensors(*job.model.file).empty())
    sources.insert(sources.begin(), &*job.model.file);
  return sources;
}

Result<PendingFile> write_output(const AggregateCommand& command,
                                 const kernels::AggregateSpec& spec, const Job& job,
                                 std::span<const float> values, AggregateReport& report) {
  std::vector<OutputTensor> tensors;
  std::uint64_t at = 0;
  for (const TensorSpec& each : job.inputs.layout.tensors()) {
    const std::uint64_t count = each.element_count();
    tensors.push_back({each.name, "F32", each.shape, bytes_of(values.subspan(at, count))});
    at += count;
  }
  const MergedIntegers integers = merge_integers(sources_of(job), command.integers);
  tensors.insert(tensors.end(), integers.tensors.begin(), integers.tensors.end());
  report.integer_tensors = integers.tensors.size();
  report.integers = integer_rule_name(command.integers);
  return write_tensors(command.output, std::move(tensors), metadata_of(spec, job));
}

ReportedInput reported(const Job& job, std::size_t i, const kernels::AggregateOutput& output) {
  const InputFile& file = job.inputs.files[i];
  ReportedInput input;
  input.file = file.file.path.string();
  input.sha256 = file.sha256;
  input.weight = job.input.weights[i];
  input.staleness = file.staleness;
  input.kept = output.selected[i] != 0;
  input.coefficient = output.coefficients[i];
  if (!output.scores.empty()) input.score = output.scores[i];
  if (!output.clip_factors.empty()) input.clip_factor = output.clip_factors[i];
  if (!output.outside.empty()) input.outside = output.outside[i];
  return input;
}

// What a rule that measures updates would be misled by. One file says it for all.
std::vector<std::string> warnings_of(const kernels::AggregateSpec& spec, const InputSet& inputs) {
  const std::string& rule = spec.aggregator.name;
  const bool by_coordinate = rule == "mean" || rule == "median" || rule == "trimmed_mean";
  const InputFile& first = inputs.files.front();
  if ((by_coordinate && spec.pre.empty()) || !first.values.row().is_plain()) return {};
  const std::string remark = lopsided_norm(inputs.layout, first.values.values());
  if (remark.empty()) return {};
  return {first.file.quoted() + ": " + remark};
}

float largest_of(std::span<const float> values) {
  float largest = 0;
  for (const float value : values) largest = std::max(largest, std::fabs(value));
  return largest;
}

// Tensors that the first file has and the result has as zeros, because they are nothing beside the
// largest of the parameters, or of the buffers, which a sum shares one scale with
// (docs/kernels.md).
std::vector<std::string> vanished(const InputSet& inputs, std::span<const float> result) {
  const InputFile& first = inputs.files.front();
  if (!first.values.row().is_plain()) return {};
  const std::span<const float> given = first.values.values();
  const std::uint64_t parameters = inputs.layout.size().parameters;
  const float of_parameters = largest_of(given.first(parameters)),
              of_buffers = largest_of(given.subspan(parameters));
  std::vector<std::string> warnings;
  std::uint64_t at = 0;
  for (const TensorSpec& tensor : inputs.layout.tensors()) {
    const std::uint64_t count = tensor.element_count();
    const float largest = largest_of(given.subspan(at, count));
    const float scale = at < parameters ? of_parameters : of_buffers;
    if (largest > 0 && largest < scale * kNothingBeside &&
        largest_of(result.subspan(at, count)) == 0)
      warnings.push_back("'" + tensor.name +
                         "' is all zeros in the result: its values are lost beside " +
                         "the largest of all " + (at < parameters ? "parameters" : "buffers") +
                         ", with which they share one scale; bring both nearer to 1");
    at += count;
  }
  return warnings;
}

// Both files are complete before either takes its place.
Status write_all(const AggregateCommand& command, const Job& job,
                 const kernels::AggregateOutput& output, AggregateReport& report) {
  auto model = write_output(command, report.spec, job, output.model, report);
  if (!model.ok()) return model.error();
  report.output = {command.output.string(), model->written.sha256, model->written.size_bytes};
  if (command.state_out.empty()) return model->replacement.commit();
  auto state = write_state(command.state_out, report.spec.optimizer.name, job.inputs.layout,
                           output.optimizer_state);
  if (!state.ok()) return state.error();
  report.state = {command.state_out.string(), state->written.sha256, state->written.size_bytes};
  if (const Status done = state->replacement.commit(); !done.ok()) return done;
  return model->replacement.commit();
}

}  // namespace

Result<AggregateReport> run_aggregate(const AggregateCommand& command,
                                      const ProgressListener& listener) {
  const auto spec = kernels::complete_spec(command.spec);
  if (!spec.ok()) return spec.error();
  if (const Status checked = check_command(command, *spec); !checked.ok()) return checked.error();
  auto opened = kernels::open_backend(command.backend, command.threads);
  if (!opened.ok()) return opened.error();

  Job job;
  if (const Status loaded = load(command, *spec, listener, job); !loaded.ok()) {
    return loaded.error();
  }
  if (const Status prepared = prepare(command, *spec, job); !prepared.ok()) {
    return prepared.error();
  }
  StreamingBackend backend(*std::move(opened), mappings_of(job), listener);
  auto output = kernels::aggregate(*spec, job.input, backend);
  if (!output.ok()) return with_files(output.error(), job);
  const auto buffers =
      kernels::aggregate_buffers(*spec, job.buffers, job.input.weights, job.old_buffers, backend);
  if (!buffers.ok()) return with_files(buffers.error(), job);
  output->model.insert(output->model.end(), buffers->begin(), buffers->end());

  AggregateReport report;
  report.spec = *spec;
  report.backend = backend.name();
  report.values = job.inputs.layout.value_count();
  report.tensors = job.inputs.layout.tensors().size();
  report.buffers = job.inputs.layout.size().buffers;
  report.warnings = warnings_of(*spec, job.inputs);
  for (std::string& lost : vanished(job.inputs, output->model))
    report.warnings.push_back(std::move(lost));
  report.round_exponent = job.input.round_exponent;
  report.shift = job.input.shift;
  for (std::size_t i = 0; i < job.inputs.files.size(); ++i) {
    const InputFile& file = job.inputs.files[i];
    report.inputs.push_back(reported(job, i, *output));
    if (!file.values.is_converted()) continue;
    report.notes.push_back(file.file.quoted() +
                           " was converted to fp32 in order through a temporary file");
  }
  listener("writing", 0.0);
  if (const Status written = write_all(command, job, *output, report); !written.ok()) {
    return written.error();
  }
  return report;
}

}  // namespace gradmint
