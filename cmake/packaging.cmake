# The Debian package: `cmake --build --preset release --target package` makes warmdump_<version>_<architecture>.deb in
# the folder of the build. What belongs into it is what `install` installs; the rest lies in packaging/.
#
# Two builds of one source make the same bytes: packaging/finish.cmake has the details.

install(FILES packaging/warmdump.toml DESTINATION ${CMAKE_INSTALL_FULL_SYSCONFDIR}/warmdump)
install(FILES packaging/copyright docs/UPLOAD.md DESTINATION ${CMAKE_INSTALL_DOCDIR})

file(STRINGS packaging/changelog changelog_head LIMIT_COUNT 1)
if(NOT changelog_head MATCHES "^warmdump \\(${PROJECT_VERSION}\\) ")
  message(FATAL_ERROR "packaging/changelog begins with \"${changelog_head}\", but this is warmdump ${PROJECT_VERSION}")
endif()

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME warmdump)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_CONTACT "warmdump maintainers <maintainers@warmdump.example>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "kernel crash dumps kept in RAM across a warm reboot")
set(CPACK_PACKAGE_DESCRIPTION
"When the kernel panics, a small crash kernel filters and compresses the
memory of the crashed system into a region of RAM that survives a warm reset.
The next boot saves the dump to /var/crash, and gives the region back to the
system as ordinary, movable memory. No disk, file system, network or encryption
is needed in the crash kernel.
.
The dumps are read by crash, drgn and makedumpfile.")

# Below the prefix that the units and the programs were compiled for; and /etc beside it.
set(CPACK_SET_DESTDIR ON)
set(CPACK_INSTALL_PREFIX ${CMAKE_INSTALL_PREFIX})
set(CPACK_STRIP_FILES ON)
set(CPACK_PACKAGING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR}/packaging)
set(CPACK_PROJECT_CONFIG_FILE ${CMAKE_CURRENT_SOURCE_DIR}/packaging/time.cmake)
set(CPACK_PRE_BUILD_SCRIPTS ${CMAKE_CURRENT_SOURCE_DIR}/packaging/finish.cmake)

set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_DEBIAN_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "kmod, adduser")
# It loads a crash kernel of its own at boot; whoever comes last would take the other's place.
set(CPACK_DEBIAN_PACKAGE_CONFLICTS kdump-tools)
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "crash, python3-drgn")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
foreach(script conffiles postinst prerm postrm)
  list(APPEND CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${CMAKE_CURRENT_SOURCE_DIR}/packaging/${script})
endforeach()

include(CPack)
