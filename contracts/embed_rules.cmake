# Writes the rules that ship with the program into one C++ source.
# cmake -DRULES_DIR=... -DNAMES=a,b -DOUTPUT=file -P embed_rules.cmake
string(REPLACE "," ";" names "${NAMES}")
set(entries "")
foreach(name IN LISTS names)
  file(READ "${RULES_DIR}/${name}.lua" source)
  file(READ "${RULES_DIR}/${name}.toml" manifest)
  string(APPEND entries
    "  if (name == \"${name}\") {\n    return {R\"rule(${source})rule\", R\"rule(${manifest})rule\"};\n  }\n")
endforeach()
file(WRITE "${OUTPUT}" "// Written by contracts/embed_rules.cmake.
#include \"contracts/rule.h\"

namespace gradmint::contracts {

BuiltinRule builtin_rule(std::string_view name) {
${entries}  return {};
}

}  // namespace gradmint::contracts
")
