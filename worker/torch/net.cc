#include "worker/torch/net.h"

#include <charconv>
#include <map>
#include <sstream>

#include "ledger/durable_file.h"
#include "ledger/hash.h"

namespace gradmint {
namespace {

class BuiltInNet : public Net {
 public:
  BuiltInNet(torch::nn::Sequential layers, std::vector<std::int64_t> input_shape)
      : layers_(std::move(layers)), input_shape_(std::move(input_shape)) {}

  torch::Tensor forward(const torch::Tensor& input) override {
    std::vector<std::int64_t> shape = input_shape_;
    shape.insert(shape.begin(), input.size(0));
    return layers_->forward(input.reshape(shape));
  }
  void set_training(bool training) override { layers_->train(training); }
  void move_to(const torch::Device& device) override { layers_->to(device); }
  std::vector<std::pair<std::string, torch::Tensor>> parameters() const override {
    return listed(layers_->named_parameters());
  }
  std::vector<std::pair<std::string, torch::Tensor>> buffers() const override {
    return listed(layers_->named_buffers());
  }

 private:
  static std::vector<std::pair<std::string, torch::Tensor>> listed(
      const torch::OrderedDict<std::string, torch::Tensor>& items) {
    std::vector<std::pair<std::string, torch::Tensor>> list;
    for (const auto& item : items) list.emplace_back(item.key(), item.value());
    return list;
  }
  torch::nn::Sequential layers_;
  std::vector<std::int64_t> input_shape_;
};

class ScriptNet : public Net {
 public:
  explicit ScriptNet(torch::jit::Module module) : module_(std::move(module)) {}

  torch::Tensor forward(const torch::Tensor& input) override {
    return module_.forward({input}).toTensor();
  }
  void set_training(bool training) override { module_.train(training); }
  void move_to(const torch::Device& device) override { module_.to(device); }
  std::vector<std::pair<std::string, torch::Tensor>> parameters() const override {
    std::vector<std::pair<std::string, torch::Tensor>> list;
    for (const auto& item : module_.named_parameters()) list.emplace_back(item.name, item.value);
    return list;
  }
  std::vector<std::pair<std::string, torch::Tensor>> buffers() const override {
    std::vector<std::pair<std::string, torch::Tensor>> list;
    for (const auto& item : module_.named_buffers()) list.emplace_back(item.name, item.value);
    return list;
  }

 private:
  torch::jit::Module module_;
};

std::unique_ptr<Net> make_mlp(const ModelOptions& options, const Dataset& data) {
  std::int64_t inputs = 1;
  for (const std::uint64_t extent : data.sample_shape) inputs *= static_cast<std::int64_t>(extent);
  torch::nn::Sequential layers;
  layers->push_back("hidden", torch::nn::Linear(inputs, std::int64_t{options.hidden}));
  layers->push_back("relu", torch::nn::ReLU());
  layers->push_back("output", torch::nn::Linear(std::int64_t{options.hidden},
                                                static_cast<std::int64_t>(data.outputs())));
  return std::make_unique<BuiltInNet>(layers, std::vector<std::int64_t>{inputs});
}

// Two 3×3 convolutions, each followed by 2×2 max pooling, then one linear layer.
Result<std::unique_ptr<Net>> make_cnn(const Dataset& data) {
  if (data.sample_shape.size() != 3 || data.sample_shape[1] < 4 || data.sample_shape[2] < 4)
    return Error{ErrorCode::bad_input, "model cnn needs images of at least 4 x 4 pixels, and " +
                                           data.name + " has none; use --model mlp"};
  std::vector<std::int64_t> shape(data.sample_shape.begin(), data.sample_shape.end());
  const std::int64_t features = 32 * (shape[1] / 4) * (shape[2] / 4);
  using torch::nn::Conv2d;
  using torch::nn::Conv2dOptions;
  torch::nn::Sequential layers;
  layers->push_back("conv1", Conv2d(Conv2dOptions(shape[0], 16, 3).padding(1)));
  layers->push_back("relu1", torch::nn::ReLU());
  layers->push_back("pool1", torch::nn::MaxPool2d(2));
  layers->push_back("conv2", Conv2d(Conv2dOptions(16, 32, 3).padding(1)));
  layers->push_back("relu2", torch::nn::ReLU());
  layers->push_back("pool2", torch::nn::MaxPool2d(2));
  layers->push_back("flatten", torch::nn::Flatten());
  layers->push_back("output",
                    torch::nn::Linear(features, static_cast<std::int64_t>(data.outputs())));
  return std::unique_ptr<Net>(std::make_unique<BuiltInNet>(layers, shape));
}

Result<Bytes> read_checked_model(const ModelOptions& options) {
  Result<Bytes> bytes = read_file(options.model, kMaxModelFileBytes);
  if (!bytes) return bytes;
  if (options.expected_file_hash && sha256(*bytes) != *options.expected_file_hash)
    return Error{ErrorCode::refused, options.model + ": its SHA-256 is " + to_hex(sha256(*bytes)) +
                                         ", the ledger names " +
                                         to_hex(*options.expected_file_hash) +
                                         "; get the file the federation agreed on"};
  return bytes;
}

Result<std::unique_ptr<Net>> load_script(const ModelOptions& options) {
  Result<Bytes> bytes = read_checked_model(options);
  if (!bytes) return bytes.error();
  // The bytes that were hashed are the bytes that are loaded.
  std::istringstream stream(std::string(bytes->begin(), bytes->end()));
  try {
    return std::unique_ptr<Net>(
        std::make_unique<ScriptNet>(torch::jit::load(stream, torch::Device(torch::kCPU))));
  } catch (const std::exception&) {  // its text runs over pages
    return Error{ErrorCode::unsupported, options.model + ": libtorch " + torch_version() +
                                             " cannot read this as a TorchScript archive; save it "
                                             "with torch.jit.save from a matching version"};
  }
}

// A net must give one row of outputs a sample.
Status check_fit(Net& net, const ModelOptions& options, const Dataset& data) {
  torch::NoGradGuard no_grad;
  net.set_training(false);
  std::vector<std::int64_t> shape(data.sample_shape.begin(), data.sample_shape.end());
  shape.insert(shape.begin(), 2);
  const torch::Tensor output = net.forward(torch::zeros(shape));
  if (output.dim() != 2 || output.size(0) != 2 ||
      output.size(1) != static_cast<std::int64_t>(data.outputs()))
    return Error{ErrorCode::bad_input, options.model + ": gives another shape than the " +
                                           std::to_string(data.outputs()) + " outputs of " +
                                           data.name};
  return {};
}

}  // namespace

Result<std::unique_ptr<Net>> make_net(const ModelOptions& options, const Dataset& data,
                                      std::uint64_t seed) {
  torch::manual_seed(seed);
  Result<std::unique_ptr<Net>> net = std::unique_ptr<Net>();
  if (options.model == "mlp")
    net = make_mlp(options, data);
  else if (options.model == "cnn")
    net = make_cnn(data);
  else if (options.model.ends_with(".pt"))
    net = load_script(options);
  else
    return Error{ErrorCode::bad_input,
                 "model '" + options.model + "' is not mlp, cnn or a TorchScript FILE.pt"};
  if (!net) return net;
  if (Status fits = check_fit(**net, options, data); !fits) return fits.error();
  return net;
}

Result<FlatNet> flatten(const Net& net) {
  std::map<std::string, torch::Tensor> by_name;
  std::vector<TensorSpec> specs;
  const auto add = [&](const auto& items, bool is_buffer) -> Status {
    for (const auto& [name, tensor] : items) {
      if (is_buffer && !tensor.is_floating_point()) continue;  // not federated
      if (tensor.scalar_type() != torch::kFloat32)
        return Error{ErrorCode::unsupported,
                     "model: tensor '" + name + "' is not fp32; convert the model to fp32"};
      const auto sizes = tensor.sizes();
      specs.push_back({name, std::vector<std::uint64_t>(sizes.begin(), sizes.end()), is_buffer});
      by_name[name] = tensor;
    }
    return {};
  };
  if (Status status = add(net.parameters(), false); !status) return status.error();
  if (Status status = add(net.buffers(), true); !status) return status.error();
  Result<ModelLayout> layout = ModelLayout::create(std::move(specs));
  if (!layout) return layout.error();
  FlatNet flat{*std::move(layout), {}};
  for (const TensorSpec& spec : flat.layout.tensors()) flat.tensors.push_back(by_name[spec.name]);
  return flat;
}

void load_flat(const FlatNet& flat, std::span<const float> values) {
  torch::NoGradGuard no_grad;
  std::size_t at = 0;
  for (const torch::Tensor& tensor : flat.tensors) {
    // from_blob wants a mutable pointer; copy_ only reads from it.
    auto* from = const_cast<float*>(values.data() + at);
    torch::Tensor target = tensor;
    target.copy_(torch::from_blob(from, tensor.sizes(), torch::kFloat32));
    at += static_cast<std::size_t>(tensor.numel());
  }
}

std::vector<float> store_flat(const FlatNet& flat) {
  std::vector<float> values;
  values.reserve(flat.layout.value_count());
  for (const torch::Tensor& tensor : flat.tensors) {
    const torch::Tensor on_cpu = tensor.detach().to(torch::kCPU).contiguous();
    const float* begin = on_cpu.data_ptr<float>();
    values.insert(values.end(), begin, begin + on_cpu.numel());
  }
  return values;
}

Result<torch::Device> select_device(const std::string& name) {
  if (name == "cpu") return torch::Device(torch::kCPU);
  const auto count = static_cast<int>(torch::cuda::device_count());
  if (name == "auto")
    return count > 0 ? torch::Device(torch::kCUDA, 0) : torch::Device(torch::kCPU);
  int index = 0;
  if (name.starts_with("cuda:")) {
    const auto [end, ec] = std::from_chars(name.data() + 5, name.data() + name.size(), index);
    if (ec == std::errc() && end == name.data() + name.size() && index >= 0) {
      if (index < count) return torch::Device(torch::kCUDA, static_cast<torch::DeviceIndex>(index));
      return Error{ErrorCode::unsupported,
                   "device " + name + ": libtorch " + torch_version() + " sees " +
                       std::to_string(count) +
                       " GPUs; use --device cpu, or a libtorch with CUDA and its driver"};
    }
  }
  return Error{ErrorCode::bad_input, "device '" + name + "' is not auto, cpu or cuda:N"};
}

std::string torch_version() { return TORCH_VERSION; }

}  // namespace gradmint
