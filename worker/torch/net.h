// A model as training sees it, built in or from TorchScript. Includes libtorch: only
// worker/torch/*.cc may include this header.
#pragma once

#include <torch/script.h>
#include <torch/torch.h>

#include <memory>
#include <string>
#include <vector>

#include "kernels/base/result.h"
#include "ledger/model/layout.h"
#include "worker/data/dataset.h"
#include "worker/torch/torch_options.h"

namespace gradmint {

inline constexpr std::uint64_t kMaxModelFileBytes = 64ULL << 30;

class Net {
 public:
  virtual ~Net() = default;
  virtual torch::Tensor forward(const torch::Tensor& input) = 0;
  virtual void set_training(bool training) = 0;
  virtual void move_to(const torch::Device& device) = 0;
  virtual std::vector<std::pair<std::string, torch::Tensor>> parameters() const = 0;
  virtual std::vector<std::pair<std::string, torch::Tensor>> buffers() const = 0;
};

// May throw libtorch's exceptions; callers are inside guarded().
Result<std::unique_ptr<Net>> make_net(const ModelOptions& options, const Dataset& data,
                                      std::uint64_t seed);

// The net's fp32 tensors in layout order. Valid while the net lives and stays on its device.
struct FlatNet {
  ModelLayout layout;
  std::vector<torch::Tensor> tensors;
};
Result<FlatNet> flatten(const Net& net);
void load_flat(const FlatNet& flat, std::span<const float> values);
std::vector<float> store_flat(const FlatNet& flat);

Result<torch::Device> select_device(const std::string& name);

// Runs f, and turns what libtorch throws into one line.
template <class F>
auto guarded(const std::string& what, F&& f) -> decltype(f()) {
  const auto first_line = [](const std::string& text) { return text.substr(0, text.find('\n')); };
  try {
    return f();
  } catch (const c10::Error& e) {
    return Error{ErrorCode::bad_input, what + ": " + first_line(e.what_without_backtrace())};
  } catch (const std::exception& e) {
    return Error{ErrorCode::bad_input, what + ": " + first_line(e.what())};
  }
}

}  // namespace gradmint
