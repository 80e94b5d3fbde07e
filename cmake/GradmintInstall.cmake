# What is installed beside the programs and their pages (gradmint_program), and the Debian packages made of it.
# Components are packages: gradmint (what an auditor needs, too), gradmint-coordinator, gradmint-worker.

set(components gradmint)
install(DIRECTORY docs/ DESTINATION share/doc/gradmint COMPONENT gradmint
  FILES_MATCHING PATTERN "*.md" PATTERN "*.json" PATTERN decisions EXCLUDE PATTERN examples EXCLUDE)
install(FILES README.md DESTINATION share/doc/gradmint COMPONENT gradmint)

if(TARGET gradmint-coordinator)
  list(APPEND components gradmint-coordinator)
  install(FILES scripts/gradmint-coordinator.service DESTINATION lib/systemd/system COMPONENT gradmint-coordinator)
  install(FILES docs/examples/federation.toml DESTINATION share/doc/gradmint-coordinator/examples
    COMPONENT gradmint-coordinator)
endif()

if(TARGET gradmint-worker)
  list(APPEND components gradmint-worker)
  install(FILES docs/examples/trainer_plain.py docs/examples/evaluator_plain.py docs/examples/trainer_pytorch.py
                docs/examples/evaluator_pytorch.py docs/examples/digits_pytorch.py
    DESTINATION share/doc/gradmint-worker/examples COMPONENT gradmint-worker)
endif()

# Licences of what is compiled in: Lua, and headers. They must go where the programs go.
set(copyright_notices "")
set(missing_notices "")
set(compiled_in liblua5.4-dev nlohmann-json3-dev libcli11-dev libtomlplusplus-dev)
if(NOT GRADMINT_AUDIT_ONLY)
  list(APPEND compiled_in libspdlog-dev)
endif()
foreach(package ${compiled_in})
  set(file "/usr/share/doc/${package}/copyright")
  if(EXISTS "${file}")
    file(READ "${file}" notice)
    string(APPEND copyright_notices "\n\n==== ${package} ====\n\n${notice}")
  else()
    list(APPEND missing_notices "${package}")
  endif()
endforeach()
configure_file(packaging/copyright.in "${PROJECT_BINARY_DIR}/packaging/copyright" @ONLY)
foreach(component ${components})
  install(FILES "${PROJECT_BINARY_DIR}/packaging/copyright" DESTINATION share/doc/${component} COMPONENT ${component})
  install(CODE "set(component ${component})\nset(version ${PROJECT_VERSION})\nset(source \"${PROJECT_SOURCE_DIR}\")\nset(build \"${PROJECT_BINARY_DIR}\")"
    COMPONENT ${component})
  install(SCRIPT cmake/install_changelog.cmake COMPONENT ${component})
endforeach()

if(missing_notices)
  message(STATUS "gradmint: no packages can be made here: no licences of ${missing_notices} in /usr/share/doc")
  return()
endif()

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME gradmint)
set(CPACK_PACKAGE_VERSION "${PROJECT_VERSION}")
set(CPACK_PACKAGE_CONTACT "gradmint developers <gradmint@packages.invalid>")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_COMPONENTS_ALL ${components})
set(CPACK_COMPONENTS_GROUPING IGNORE)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)

set(CPACK_DEBIAN_GRADMINT_PACKAGE_NAME gradmint)
set(CPACK_DEBIAN_GRADMINT_PACKAGE_SUGGESTS "gradmint-coordinator, gradmint-worker, bash-completion")
set(CPACK_COMPONENT_GRADMINT_DESCRIPTION
"federated learning that anyone can audit to the last bit
gradmint trains models on data that stay with their owners, and keeps a ledger
of who contributed what. This package has what everybody needs: keys, wallet,
models, the audit of a ledger, and aggregation of files.
.
Coordinators and workers are in gradmint-coordinator and gradmint-worker.")

set(CPACK_DEBIAN_GRADMINT-COORDINATOR_PACKAGE_NAME gradmint-coordinator)
set(CPACK_DEBIAN_GRADMINT-COORDINATOR_PACKAGE_DEPENDS "gradmint (= ${PROJECT_VERSION}), adduser")
set(CPACK_DEBIAN_GRADMINT-COORDINATOR_PACKAGE_RECOMMENDS gradmint-worker) # it runs evaluators
foreach(script postinst prerm postrm)
  list(APPEND CPACK_DEBIAN_GRADMINT-COORDINATOR_PACKAGE_CONTROL_EXTRA
    "${PROJECT_SOURCE_DIR}/packaging/coordinator/${script}")
endforeach()
set(CPACK_COMPONENT_GRADMINT-COORDINATOR_DESCRIPTION
"coordinator of a gradmint federation
It orders what workers submit, aggregates and scores it exactly, pays for it,
and writes the ledger. A unit for systemd comes with it, which is not enabled:
a federation must be made first.")

set(CPACK_DEBIAN_GRADMINT-WORKER_PACKAGE_NAME gradmint-worker)
set(CPACK_DEBIAN_GRADMINT-WORKER_PACKAGE_DEPENDS "gradmint (= ${PROJECT_VERSION})")
# libtorch takes any BLAS; on the reference one it is ten times slower.
set(CPACK_DEBIAN_GRADMINT-WORKER_PACKAGE_RECOMMENDS libopenblas0-pthread)
set(CPACK_DEBIAN_GRADMINT-WORKER_PACKAGE_SUGGESTS "python3-numpy, python3-torch") # of the Python module
set(CPACK_COMPONENT_GRADMINT-WORKER_DESCRIPTION
"worker of a gradmint federation
It trains on this machine's data, which never leave it, with libtorch or a
program of your own, and submits signed updates to a coordinator.")
include(CPack)
