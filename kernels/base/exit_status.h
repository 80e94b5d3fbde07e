// The exit status of a program that ends with an Error; 0 is success.
#pragma once

#include "kernels/base/result.h"

namespace gradmint {

// 1: it ran and failed (it was refused, or the disk or the network failed). 2: it could not run
// with what it was given and what it found: arguments, missing or damaged files, another process.
inline int exit_status(ErrorCode code) {
  return code == ErrorCode::io || code == ErrorCode::refused ? 1 : 2;
}

}  // namespace gradmint
