// What --version prints: the revision, the backends compiled in and the libraries used.
#pragma once

#include <string>

namespace gradmint {

std::string version_text();

}  // namespace gradmint
