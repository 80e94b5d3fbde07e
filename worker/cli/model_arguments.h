// From the command line's words to the options of worker/torch.
#pragma once

#include "worker/cli/arguments.h"
#include "worker/torch/torch_trainer.h"

namespace gradmint {

Result<ModelOptions> model_options(const ModelArguments& arguments);
DeviceOptions device_options(const ModelArguments& arguments);

}  // namespace gradmint
