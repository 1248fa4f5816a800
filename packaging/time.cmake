# Read by cpack before anything else: the time that the files of the package carry. As with Debian's own tools it is
# SOURCE_DATE_EPOCH, or that of the newest entry of the changelog.

if(NOT DEFINED ENV{SOURCE_DATE_EPOCH})
  execute_process(COMMAND dpkg-parsechangelog -l ${CPACK_PACKAGING_DIRECTORY}/changelog -S Timestamp
                  OUTPUT_VARIABLE time OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  set(ENV{SOURCE_DATE_EPOCH} ${time})
endif()
