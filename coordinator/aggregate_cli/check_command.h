// What a command line asks that cannot be done, before any file is read.
#pragma once

#include "coordinator/aggregate_cli/run.h"

namespace gradmint {

// `spec` is the command's, completed. One line that names the option.
Status check_command(const AggregateCommand& command, const kernels::AggregateSpec& spec);

}  // namespace gradmint
