// Assertions for our own bugs. They stay on in release: a broken invariant here would put a wrong
// number on the ledger, and stopping is cheaper than that. What a faulty peer can cause is a
// Verdict, what disk and network can cause is an Error (result.h); neither ever reaches a CHECK.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace gradmint {

[[noreturn]] inline void check_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "gradmint: internal error: %s (%s:%d); please report it\n", condition, file,
               line);
  std::abort();
}

}  // namespace gradmint

#define GRADMINT_CHECK(condition) \
  ((condition) ? static_cast<void>(0) : ::gradmint::check_failed(#condition, __FILE__, __LINE__))
