// 128-bit integers, which money needs between a product and its division. Internal to contracts/.
#pragma once

namespace gradmint::contracts {

__extension__ typedef unsigned __int128 Wide;
__extension__ typedef __int128 SignedWide;

}  // namespace gradmint::contracts
