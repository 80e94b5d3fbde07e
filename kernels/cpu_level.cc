#include "kernels/cpu_level.h"

#include <cpuid.h>

#include <cstdlib>

#include "kernels/cpu_kernels.h"

namespace gradmint::kernels {

namespace {

// Every processor with AVX2 that is known has it; clang 14 knows no name for it.
bool has_f16c() {
  unsigned a = 0;
  unsigned b = 0;
  unsigned c = 0;
  unsigned d = 0;
  return __get_cpuid(1, &a, &b, &c, &d) != 0 && (c & bit_F16C) != 0;
}

}  // namespace

std::string_view name_of(CpuLevel level) {
  switch (level) {
    case CpuLevel::scalar:
      return "scalar";
    case CpuLevel::avx2:
      return "avx2";
    case CpuLevel::avx512:
      break;
  }
  return "avx512";
}

bool is_supported(CpuLevel level) {
  switch (level) {
    case CpuLevel::scalar:
      return true;
    case CpuLevel::avx2:
      return __builtin_cpu_supports("avx2") != 0 && has_f16c();
    case CpuLevel::avx512:
      break;
  }
  return __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512bw") != 0 &&
         __builtin_cpu_supports("avx512dq") != 0 && __builtin_cpu_supports("avx512vl") != 0;
}

std::vector<CpuLevel> supported_cpu_levels() {
  std::vector<CpuLevel> levels;
  for (const CpuLevel level : {CpuLevel::scalar, CpuLevel::avx2, CpuLevel::avx512}) {
    if (is_supported(level)) levels.push_back(level);
  }
  return levels;
}

Result<CpuLevel> choose_cpu_level(std::string_view wanted) {
  if (wanted.empty()) return supported_cpu_levels().back();
  for (const CpuLevel level : {CpuLevel::scalar, CpuLevel::avx2, CpuLevel::avx512}) {
    if (wanted != name_of(level)) continue;
    if (is_supported(level)) return level;
    return Error{ErrorCode::unsupported,
                 "GRADMINT_CPU=" + std::string(wanted) +
                     ": this processor cannot run it; unset GRADMINT_CPU to "
                     "use the fastest level it has"};
  }
  return Error{ErrorCode::bad_input, "GRADMINT_CPU=" + std::string(wanted) +
                                         " is unknown: use scalar, avx2 or avx512, or unset it"};
}

Result<CpuLevel> cpu_level_from_environment() {
  const char* wanted = std::getenv("GRADMINT_CPU");
  return choose_cpu_level(wanted == nullptr ? "" : wanted);
}

std::string describe_cpu_levels() {
  std::string text = "cpu (can run";
  for (const CpuLevel level : supported_cpu_levels()) text += " " + std::string(name_of(level));
  const auto chosen = cpu_level_from_environment();
  return text + "; uses " +
         (chosen.ok() ? std::string(name_of(*chosen)) : "none: " + chosen.error().message) + ")";
}

const CpuKernels& cpu_kernels(CpuLevel level) {
  GRADMINT_CHECK(is_supported(level));
  switch (level) {
    case CpuLevel::scalar:
      return kScalarKernels;
    case CpuLevel::avx2:
      return kAvx2Kernels;
    case CpuLevel::avx512:
      break;
  }
  return kAvx512Kernels;
}

const CpuKernels& default_cpu_kernels() {
  const auto chosen = cpu_level_from_environment();
  return cpu_kernels(chosen.ok() ? *chosen : supported_cpu_levels().back());
}

}  // namespace gradmint::kernels
