#include "worker/trainer.h"

namespace gradmint {

Result<OptimizerKind> parse_optimizer(const std::string& name) {
  if (name == "sgd") return OptimizerKind::sgd;
  if (name == "adam") return OptimizerKind::adam;
  return Error{ErrorCode::bad_input, "no local optimizer is called '" + name + "': sgd or adam"};
}

std::string optimizer_name(OptimizerKind kind) {
  return kind == OptimizerKind::adam ? "adam" : "sgd";
}

}  // namespace gradmint
