// What a configuration says of things that the genesis fixed: it may not say anything else, or an
// operator would believe in an allow-list that nobody holds to.
#pragma once

#include "coordinator/server/settings.h"

namespace gradmint {

// bad_input: names every key that differs, and what the genesis has. Files that only init
// reads (a rule's, the contract's) are compared where they are still there.
Status check_fixed_settings(const Settings& settings, const GenesisRecord& genesis,
                            const ModelLayout& layout);

}  // namespace gradmint
