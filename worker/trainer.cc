#include "worker/trainer.h"

#include <algorithm>
#include <cmath>

namespace gradmint {

Result<OptimizerKind> parse_optimizer(const std::string& name) {
  if (name == "sgd") return OptimizerKind::sgd;
  if (name == "adam") return OptimizerKind::adam;
  return Error{ErrorCode::bad_input, "no local optimizer is called '" + name + "': sgd or adam"};
}

std::string optimizer_name(OptimizerKind kind) {
  return kind == OptimizerKind::adam ? "adam" : "sgd";
}

std::uint64_t loss_micro(double loss) {
  if (!(loss < static_cast<double>(kMaxLossMicro) * 1e-6)) return kMaxLossMicro;  // NaN too
  // nearbyint rounds half to even in the default mode, which nothing here changes.
  return static_cast<std::uint64_t>(std::nearbyint(std::max(0.0, loss) * 1e6));
}

std::uint32_t accuracy_ppm(double accuracy) {
  if (!(accuracy > 0)) return 0;
  return static_cast<std::uint32_t>(std::nearbyint(std::min(1.0, accuracy) * 1e6));
}

}  // namespace gradmint
