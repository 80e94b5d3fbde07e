#include "worker/cli/model_arguments.h"

namespace gradmint {

Result<ModelOptions> model_options(const ModelArguments& arguments) {
  ModelOptions options;
  options.model = arguments.model;
  options.hidden = arguments.hidden;
  if (!arguments.model_hash.empty()) {
    options.expected_file_hash = hash_from_hex(arguments.model_hash);
    if (!options.expected_file_hash)
      return Error{ErrorCode::bad_input,
                   "--model-hash '" + arguments.model_hash + "' is not 64 hexadecimal digits"};
  }
  return options;
}

DeviceOptions device_options(const ModelArguments& arguments) {
  return {arguments.device, arguments.threads};
}

}  // namespace gradmint
