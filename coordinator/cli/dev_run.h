// `gradmint dev`, carried out: homes, processes, what they report, the audit, the report file.
#pragma once

#include "coordinator/cli/dev_plan.h"

namespace gradmint {

// Gives the exit status: 0 all went well, 1 something failed, 2 it could not start.
int run_dev(const DevOptions& options);

}  // namespace gradmint
