# Every target of the project is declared through these functions.

# gradmint_precompile(NAME HEADERS h... [DEPS t...])
# Sanitized builds, which nobody installs and everybody waits for: the libraries and tests declared after this in this
# folder and below read these headers once, as the target NAME. A third of the time was theirs. Release builds have
# none of it, so a file that does not include what it uses is found there.
function(gradmint_precompile name)
  if(NOT GRADMINT_SANITIZE)
    return()
  endif()
  cmake_parse_arguments(ARG "" "" "HEADERS;DEPS" ${ARGN})
  file(CONFIGURE OUTPUT "${CMAKE_CURRENT_BINARY_DIR}/${name}.cc" CONTENT "// What ${name} is precompiled for.\n")
  add_library(${name} OBJECT "${CMAKE_CURRENT_BINARY_DIR}/${name}.cc")
  target_link_libraries(${name} PRIVATE gradmint_flags ${ARG_DEPS})
  target_precompile_headers(${name} PRIVATE ${ARG_HEADERS})
  set(GRADMINT_PRECOMPILED ${name} PARENT_SCOPE)
endfunction()

function(gradmint_use_precompiled name)
  if(GRADMINT_PRECOMPILED)
    target_precompile_headers(${name} REUSE_FROM ${GRADMINT_PRECOMPILED})
  endif()
endfunction()

# gradmint_library(NAME PURE|IO SOURCES f... [DEPS t...])
# PURE: no socket, disk, clock, GPU or randomness; tests/check_purity.py holds it to that.
function(gradmint_library name kind)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  if(NOT kind STREQUAL "PURE" AND NOT kind STREQUAL "IO")
    message(FATAL_ERROR "gradmint_library(${name}): say PURE or IO")
  endif()
  add_library(${name} STATIC ${ARG_SOURCES})
  target_link_libraries(${name} PUBLIC gradmint_flags ${ARG_DEPS})
  gradmint_use_precompiled(${name})
  set_property(GLOBAL APPEND PROPERTY GRADMINT_${kind}_TARGETS ${name})
  list(TRANSFORM ARG_SOURCES PREPEND "${CMAKE_CURRENT_SOURCE_DIR}/")
  set_property(GLOBAL APPEND PROPERTY GRADMINT_${kind}_SOURCES ${ARG_SOURCES})
endfunction()

# gradmint_program(NAME COMPONENT c SOURCES f... [DEPS t...]): an executable that is installed, with what
# gradmint_pages makes of its help, as part of the component. The target `programs` is all of them.
add_custom_target(programs)
function(gradmint_program name)
  cmake_parse_arguments(ARG "" "COMPONENT" "SOURCES;DEPS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE gradmint_flags ${ARG_DEPS})
  install(TARGETS ${name} RUNTIME DESTINATION bin COMPONENT ${ARG_COMPONENT})
  add_dependencies(programs ${name})
  gradmint_pages(${name} ${ARG_COMPONENT})
endfunction()

# Manual pages and bash completion come from the program's own --help, whenever it is linked: they cannot be stale.
# The auditor's build may be made where there is no Python, and then has none.
find_package(Python3 COMPONENTS Interpreter QUIET)
if(NOT Python3_FOUND)
  message(STATUS "gradmint: no python3 here, so no manual pages and no completion")
endif()
function(gradmint_pages program component)
  if(GRADMINT_SANITIZE OR NOT Python3_FOUND)
    return()
  endif()
  set(folder "${PROJECT_BINARY_DIR}/pages/${program}")
  set(packaging "${PROJECT_SOURCE_DIR}/packaging")
  add_custom_command(OUTPUT "${folder}.stamp"
    COMMAND ${Python3_EXECUTABLE} -B "${packaging}/write_pages.py" $<TARGET_FILE:${program}> ${PROJECT_VERSION} "${folder}"
    COMMAND ${CMAKE_COMMAND} -E touch "${folder}.stamp"
    DEPENDS ${program} "${packaging}/write_pages.py" "${packaging}/help_tree.py" "${packaging}/manual.py"
            "${packaging}/completion.py" "${packaging}/complete.bash"
    COMMENT "Writing the pages of ${program}" VERBATIM)
  add_custom_target(pages_${program} ALL DEPENDS "${folder}.stamp")
  add_dependencies(programs pages_${program})
  install(DIRECTORY "${folder}/" DESTINATION share COMPONENT ${component})
endfunction()

# gradmint_test(NAME SOURCES f... [DEPS t...] [LABELS l...] [TIMEOUT seconds] [APART suite] [THREADS]): a doctest
# executable run by ctest. Its suite APART is a test of its own, NAME_suite, and has the suite as one more label.
# THREADS: code under test runs in several threads of this process. These have the label `threads`.
# The target tests_with_threads is all of these, which the thread sanitizer looks at; tests_in_process all that do
# not have the label `process`, which the others do.
add_custom_target(tests_with_threads)
add_custom_target(tests_in_process)
function(gradmint_test name)
  cmake_parse_arguments(ARG "THREADS" "TIMEOUT;APART" "SOURCES;DEPS;LABELS" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE gradmint_test_main gradmint_flags ${ARG_DEPS})
  gradmint_use_precompiled(${name})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/tests")
  if(NOT process IN_LIST ARG_LABELS)
    add_dependencies(tests_in_process ${name})
  endif()
  if(ARG_THREADS)
    list(APPEND ARG_LABELS threads)
    add_dependencies(tests_with_threads ${name})
  endif()
  if(ARG_APART)
    add_test(NAME ${name} COMMAND ${name} --test-suite-exclude=${ARG_APART})
    add_test(NAME ${name}_${ARG_APART} COMMAND ${name} --test-suite=${ARG_APART})
    set_tests_properties(${name}_${ARG_APART} PROPERTIES
      TIMEOUT ${ARG_TIMEOUT} LABELS "${ARG_LABELS};${ARG_APART}")
  else()
    add_test(NAME ${name} COMMAND ${name})
  endif()
  set_tests_properties(${name} PROPERTIES TIMEOUT ${ARG_TIMEOUT} LABELS "${ARG_LABELS}")
endfunction()
