# Language level, warnings, exactness flags, sanitizers, CUDA detection and the version header.
# Exactness: results must not depend on the compiler's liberty to fuse a*b+c, so contraction is off
# everywhere, for host and device alike.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
if(NOT GRADMINT_SANITIZE) # there it would be -fPIE or -fPIC, and no precompiled header serves both
  set(CMAKE_POSITION_INDEPENDENT_CODE ON)
endif()
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g1")
find_program(GRADMINT_CCACHE ccache)
if(GRADMINT_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${GRADMINT_CCACHE}")
  set(CMAKE_CUDA_COMPILER_LAUNCHER "${GRADMINT_CCACHE}")
endif()

add_library(gradmint_flags INTERFACE)
target_compile_options(gradmint_flags INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-ffp-contract=off;-Wall;-Wextra;-Wpedantic;-Wshadow;-Wconversion;-Wnon-virtual-dtor;$<$<BOOL:${GRADMINT_WERROR}>:-Werror>>)
target_include_directories(gradmint_flags INTERFACE "${PROJECT_SOURCE_DIR}" "${PROJECT_BINARY_DIR}/generated")
find_package(Threads REQUIRED)
target_link_libraries(gradmint_flags INTERFACE Threads::Threads)

if(GRADMINT_SANITIZE)
  add_compile_options(-fsanitize=${GRADMINT_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${GRADMINT_SANITIZE})
  if(GRADMINT_CCACHE) # which keeps what a precompiled header (GradmintTargets.cmake) was read for only if asked like this
    set(CMAKE_CXX_COMPILER_LAUNCHER
      "${CMAKE_COMMAND};-E;env;CCACHE_SLOPPINESS=pch_defines,time_macros;${GRADMINT_CCACHE}")
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
      add_compile_options(-fpch-preprocess)
    else()
      add_compile_options("SHELL:-Xclang -fno-pch-timestamp")
    endif()
  endif()
  if(GRADMINT_FUZZ)
    if(NOT CMAKE_CXX_COMPILER_ID MATCHES "Clang")
      message(FATAL_ERROR "GRADMINT_FUZZ=ON needs clang: configure with the preset asan-ubsan")
    endif()
    add_compile_options(-fsanitize=fuzzer-no-link)
    add_link_options(-fsanitize=fuzzer-no-link)
  endif()
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # Instrumented, dead branches look live, inside precompiled standard headers, too; release has the warnings.
    add_compile_options(-w)
  endif()
endif()

set(GRADMINT_HAVE_CUDA OFF)
if(NOT GRADMINT_CUDA STREQUAL "OFF" AND NOT GRADMINT_SANITIZE)
  include(CheckLanguage)
  if(NOT CMAKE_CUDA_COMPILER AND EXISTS "/usr/local/cuda/bin/nvcc")
    set(CMAKE_CUDA_COMPILER "/usr/local/cuda/bin/nvcc")
  endif()
  check_language(CUDA)
  if(CMAKE_CUDA_COMPILER)
    if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
      set(CMAKE_CUDA_ARCHITECTURES 90)
    endif()
    enable_language(CUDA)
    set(CMAKE_CUDA_STANDARD 20)
    # Debian 12's CMake does not know how to ask nvcc for C++20.
    set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION "-std=c++20")
    set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION "-std=c++20")
    set(GRADMINT_HAVE_CUDA ON)
  elseif(GRADMINT_CUDA STREQUAL "ON")
    message(FATAL_ERROR "GRADMINT_CUDA=ON, but no nvcc was found: install the CUDA Toolkit or set CUDACXX")
  endif()
endif()
message(STATUS "gradmint: CUDA backend ${GRADMINT_HAVE_CUDA}, torch ${GRADMINT_TORCH}, sanitizers '${GRADMINT_SANITIZE}'")

# The revision is written at build time, only when it changed, so that a commit rebuilds one file.
add_custom_target(gradmint_revision
  COMMAND ${CMAKE_COMMAND} -DSOURCE_DIR=${PROJECT_SOURCE_DIR} -DVERSION=${PROJECT_VERSION}
          -DOUTPUT=${PROJECT_BINARY_DIR}/generated/gradmint_revision.h
          -P ${PROJECT_SOURCE_DIR}/cmake/write_revision.cmake
  BYPRODUCTS ${PROJECT_BINARY_DIR}/generated/gradmint_revision.h)
