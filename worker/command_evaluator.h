// A user's own program as the evaluator (own_program.h): it judges global.safetensors on samples
// that nobody trains on, and leaves metrics.json. At least one of its metrics must have been
// measured.
#pragma once

#include <memory>

#include "worker/own_program.h"
#include "worker/trainer.h"

namespace gradmint {

// `program.role` is set here.
Result<std::unique_ptr<Evaluator>> make_command_evaluator(OwnProgram program, ModelLayout layout);

}  // namespace gradmint
