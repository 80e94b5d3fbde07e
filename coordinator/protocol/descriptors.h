// File descriptors: libzmq aborts where it finds none for its own threads and sockets, so they are
// counted before it is asked for anything. Thread safety: any thread.
#pragma once

#include <cstddef>

#include "kernels/base/result.h"

namespace gradmint {

// How many this process may open, at most 16384. Raises the soft limit to that where the hard one
// allows it.
std::size_t descriptor_limit();

// bad_input, and what to do, where a server would have too few (kMinDescriptors).
Status enough_descriptors();

// busy, and what to do, when fewer than `count` are free.
Status descriptors_free(std::size_t count);

}  // namespace gradmint
