cmake_minimum_required(VERSION 3.25)  # as the project: no warnings about older behaviour
execute_process(COMMAND git -C "${SOURCE_DIR}" describe --always --dirty --abbrev=12
  OUTPUT_VARIABLE revision OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
if(NOT revision)
  set(revision "unknown")
endif()
file(CONFIGURE OUTPUT "${OUTPUT}" @ONLY CONTENT
"#pragma once
#define GRADMINT_VERSION \"@VERSION@\"
#define GRADMINT_REVISION \"@revision@\"
")
