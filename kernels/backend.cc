#include "kernels/backend.h"

#include <charconv>

namespace gradmint::kernels {
namespace {
CudaBackendOpener cuda_opener = nullptr;

Result<std::unique_ptr<Backend>> open_cuda(const std::string& device) {
  int index = -1;
  const char* end = device.data() + device.size();
  const auto parsed = std::from_chars(device.data() + 5, end, index);
  if (parsed.ec != std::errc{} || parsed.ptr != end || index < 0) {
    return Error{ErrorCode::bad_input,
                 "device '" + device + "' is unknown: use cpu, cuda:N or auto"};
  }
  if (cuda_opener == nullptr) {
    return Error{ErrorCode::unsupported,
                 "device '" + device + "': this program was built without CUDA; use cpu"};
  }
  return cuda_opener(index);
}

Result<std::unique_ptr<Backend>> open_cpu(int threads) {
  const auto level = cpu_level_from_environment();
  if (!level.ok()) return level.error();
  return make_cpu_backend(*level, threads);
}
}  // namespace

void set_cuda_backend_opener(CudaBackendOpener opener) { cuda_opener = opener; }
bool has_cuda_backend() { return cuda_opener != nullptr; }

Result<std::unique_ptr<Backend>> open_backend(const std::string& device, int threads) {
  if (threads < 1) {
    return Error{ErrorCode::bad_input,
                 "threads = " + std::to_string(threads) + ": at least 1 is needed"};
  }
  if (device == "cpu") return open_cpu(threads);
  if (device == "auto") {
    if (cuda_opener != nullptr) {
      if (auto opened = cuda_opener(0); opened.ok()) return opened;
    }
    return open_cpu(threads);
  }
  if (device.rfind("cuda:", 0) == 0) return open_cuda(device);
  return Error{ErrorCode::bad_input, "device '" + device + "' is unknown: use cpu, cuda:N or auto"};
}

}  // namespace gradmint::kernels
