// What gradmint-aggregate --version prints.
#pragma once

#include <string>

namespace gradmint {

std::string aggregate_version_text();

}  // namespace gradmint
