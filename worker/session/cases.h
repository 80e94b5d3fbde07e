// Cases{f, g, ...}: the functions by which std::visit takes a variant, one for each of its types.
#pragma once

namespace gradmint::session {

template <class... Ts>
struct Cases : Ts... {
  using Ts::operator()...;
};
template <class... Ts>
Cases(Ts...) -> Cases<Ts...>;  // clang 14 does not deduce it for an aggregate by itself

}  // namespace gradmint::session
