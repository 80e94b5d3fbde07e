// Targets over their seeds, the committed corpus, and a bounded number of seeded mutations of both:
// what coverage-guided fuzzing found stays found, with every compiler and sanitizer.
#pragma once

#include <vector>

#include "tests/fuzz/target.h"

namespace gradmint::fuzz {

// GRADMINT_FUZZ_TARGET, as for the program `fuzz`, runs one target alone.
void run_corpus(const std::vector<Target>& targets);

}  // namespace gradmint::fuzz
