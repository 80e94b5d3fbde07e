// A user's own program as the evaluator (own_program.h): it judges global.safetensors on samples
// that nobody trains on, and leaves metrics.json. The ledger takes `loss` and `accuracy` (of a
// regression `r2`), so both must have been measured; others are its owner's to see.
#pragma once

#include <memory>

#include "worker/own_program.h"
#include "worker/trainer.h"

namespace gradmint {

// `program.role` is set here. `objective`: "classification" or "regression".
Result<std::unique_ptr<Evaluator>> make_command_evaluator(OwnProgram program, ModelLayout layout,
                                                          const std::string& objective);

}  // namespace gradmint
