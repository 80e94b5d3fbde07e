# gradmint_libtorch: what the targets that see libtorch link to. Debian's libtorch, or PyTorch's own with
# -DCMAKE_PREFIX_PATH=$(python3 -c 'import torch; print(torch.utils.cmake_prefix_path)').
#
# The package file of a CUDA libtorch demands the CUDA toolkit it was built with. Nothing here compiles CUDA
# against libtorch, and its libraries find the ones they need (beside them, from PyPI) by their own rpath, so
# such a libtorch is linked to directly.
include_guard(GLOBAL)

find_file(GRADMINT_TORCH_PACKAGE TorchConfig.cmake REQUIRED
  PATH_SUFFIXES Torch share/cmake/Torch lib/cmake/Torch lib/${CMAKE_LIBRARY_ARCHITECTURE}/cmake/Torch)
get_filename_component(torch_root "${GRADMINT_TORCH_PACKAGE}/../../../.." ABSOLUTE)

add_library(gradmint_libtorch INTERFACE)
if(EXISTS "${torch_root}/lib/libtorch_cuda.so")
  target_include_directories(gradmint_libtorch SYSTEM INTERFACE
    "${torch_root}/include" "${torch_root}/include/torch/csrc/api/include")
  # No symbol of ours is in libtorch_cuda, but loading it is what makes the device known. The driver it
  # needs in the end need not be on the machine that builds.
  target_link_libraries(gradmint_libtorch INTERFACE
    -Wl,--push-state,--no-as-needed "${torch_root}/lib/libtorch.so" -Wl,--pop-state
    "${torch_root}/lib/libtorch_cpu.so" "${torch_root}/lib/libc10.so" -Wl,--allow-shlib-undefined)
  message(STATUS "gradmint: libtorch with CUDA in ${torch_root}")
else()
  get_filename_component(Torch_DIR "${GRADMINT_TORCH_PACKAGE}" DIRECTORY)
  set(CMAKE_FIND_PACKAGE_TARGETS_GLOBAL TRUE) # tests link to them too
  find_package(Torch REQUIRED)
  unset(CMAKE_FIND_PACKAGE_TARGETS_GLOBAL)
  target_link_libraries(gradmint_libtorch INTERFACE ${TORCH_LIBRARIES})
  separate_arguments(torch_flags UNIX_COMMAND "${TORCH_CXX_FLAGS}")
  target_compile_options(gradmint_libtorch INTERFACE ${torch_flags})
endif()
