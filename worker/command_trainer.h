// A user's own program as the trainer (own_program.h): besides metrics.json it leaves
// parameters.safetensors, every floating tensor of the global model after training.
#pragma once

#include <memory>

#include "worker/own_program.h"
#include "worker/trainer.h"

namespace gradmint {

// `program.role` is set here. Training's errors are those of run_own_program, and corrupt for
// parameters that cannot be used.
Result<std::unique_ptr<Trainer>> make_command_trainer(OwnProgram program, ModelLayout layout);

}  // namespace gradmint
