# At installation: the changelog that Debian wants of a package, with the revision and its time.
# Wants component, version, source and build. Without git there is none.
execute_process(COMMAND git -C "${source}" log -1 --format=%h%n%cD --abbrev=12
  OUTPUT_VARIABLE said OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
if(said MATCHES "^([^\n]+)\n([^\n]+)$")
  set(folder "${build}/packaging/${component}")
  file(WRITE "${folder}/changelog"
"${component} (${version}) unstable; urgency=medium

  * Built from revision ${CMAKE_MATCH_1}.

 -- gradmint developers <gradmint@packages.invalid>  ${CMAKE_MATCH_2}
")
  execute_process(COMMAND gzip -9nf "${folder}/changelog" COMMAND_ERROR_IS_FATAL ANY)
  file(INSTALL "${folder}/changelog.gz" DESTINATION "${CMAKE_INSTALL_PREFIX}/share/doc/${component}")
endif()
