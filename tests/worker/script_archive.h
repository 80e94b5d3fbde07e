// Makes a TorchScript archive. Apart from the tests, since libtorch's glog and doctest both define
// CHECK.
#pragma once

#include <cstdint>
#include <string>

namespace gradmint::test {

// A linear layer of two inputs, with a floating buffer and an integer one.
void save_linear_script(const std::string& file, std::int64_t outputs);

}  // namespace gradmint::test
