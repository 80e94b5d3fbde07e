// Blobs are read through mappings, so that an audit needs no more memory than there is: the system
// takes their pages back when it must. What a mapping cannot do is fail a read; where the disk
// does, or where somebody cut the file short, the process gets SIGBUS.
#pragma once

namespace gradmint {

// From now on a SIGBUS ends this process with one line, "PROGRAM: …", that names the file, and with
// `exit_status`. `program` must live as long as the process.
void explain_mapping_faults(const char* program, int exit_status);

}  // namespace gradmint
