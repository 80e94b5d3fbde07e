// The child that reads a stranger's store. LevelDB trusts what its checksums cover, and whoever
// makes a ledger makes its checksums too: on such bytes it can abort, take memory without end or
// read beyond a buffer. Here it does so alone: this process has no key, writes no file, and nobody
// believes what it says.
#pragma once

namespace gradmint {

// Answers on `socket` until the other end closes it. Limits its own memory, so it is the whole
// program of its process: the result is the exit status.
int serve_reader(int socket);

}  // namespace gradmint
