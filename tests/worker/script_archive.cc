#include "tests/worker/script_archive.h"

#include <torch/script.h>

namespace gradmint::test {

void save_linear_script(const std::string& file, std::int64_t outputs) {
  torch::jit::Module module("linear");
  module.register_parameter("weight", torch::ones({outputs, 2}, torch::requires_grad()), false);
  module.register_parameter("bias", torch::zeros({outputs}, torch::requires_grad()), false);
  module.register_buffer("shift", torch::zeros({2}));
  module.register_buffer("calls", torch::zeros({1}, torch::kInt64));
  module.define(
      "def forward(self, x):\n"
      "  return torch.matmul(x + self.shift, self.weight.t()) + self.bias\n");
  module.save(file);
}

}  // namespace gradmint::test
