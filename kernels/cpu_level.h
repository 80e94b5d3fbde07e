// Which instruction set the CPU kernels use. Every level gives the same bytes; only speed differs.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/base/result.h"

namespace gradmint::kernels {

struct CpuKernels;

enum class CpuLevel { scalar, avx2, avx512 };

std::string_view name_of(CpuLevel level);

// Whether this processor (and its operating system) can run the level.
bool is_supported(CpuLevel level);

// Those it can run, slowest first; never empty.
std::vector<CpuLevel> supported_cpu_levels();

// The level called `wanted`, or the fastest supported one where `wanted` is empty. An Error that
// names the value where it is unknown or this processor cannot run it.
Result<CpuLevel> choose_cpu_level(std::string_view wanted);

// choose_cpu_level of the environment variable GRADMINT_CPU. Read at each call.
Result<CpuLevel> cpu_level_from_environment();

// For people: which levels this processor can run and which one is used.
std::string describe_cpu_levels();

// The tile functions of a supported level (checked).
const CpuKernels& cpu_kernels(CpuLevel level);

// The same for code that cannot fail over a user's setting: GRADMINT_CPU where it is usable, else
// the fastest level. A program reports a bad setting at its start through
// cpu_level_from_environment.
const CpuKernels& default_cpu_kernels();

}  // namespace gradmint::kernels
