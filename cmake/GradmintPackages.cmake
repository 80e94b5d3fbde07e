# Third-party packages, all from Debian 12. scripts/install_packages installs them.
find_package(PkgConfig REQUIRED)
find_package(OpenSSL 3.0 REQUIRED)
find_package(leveldb REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(CLI11 REQUIRED)
pkg_check_modules(secp256k1 REQUIRED IMPORTED_TARGET libsecp256k1)
pkg_check_modules(zmq REQUIRED IMPORTED_TARGET libzmq)
find_path(TOMLPLUSPLUS_INCLUDE toml++/toml.h REQUIRED)

if(NOT GRADMINT_AUDIT_ONLY) # compressed data sets, and the log of who runs for days
  find_package(ZLIB REQUIRED)
  find_package(spdlog REQUIRED)
endif()

# Lua is linked statically: gas counts belong to one release of it (design: rules and tokens).
find_path(LUA_INCLUDE_DIR lua.h PATH_SUFFIXES lua5.4 REQUIRED)
find_library(LUA_STATIC NAMES liblua5.4.a REQUIRED)
add_library(gradmint_lua INTERFACE)
target_include_directories(gradmint_lua SYSTEM INTERFACE "${LUA_INCLUDE_DIR}")
target_link_libraries(gradmint_lua INTERFACE "${LUA_STATIC}" m dl)
