# Run by cpack between installing the files and packing them: what Debian wants of the files of a package.

set(root ${CPACK_TEMPORARY_INSTALL_DIRECTORY})

function(run)
  execute_process(COMMAND ${ARGV} WORKING_DIRECTORY ${root} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

file(MAKE_DIRECTORY ${root}/usr/share/lintian/overrides)
file(COPY_FILE ${CPACK_PACKAGING_DIRECTORY}/changelog ${root}/usr/share/doc/warmdump/changelog)
file(COPY_FILE ${CPACK_PACKAGING_DIRECTORY}/lintian-overrides ${root}/usr/share/lintian/overrides/warmdump)
file(GLOB compressed ${root}/usr/share/man/man*/*.[1-9] ${root}/usr/share/doc/warmdump/changelog)
run(gzip -9nf ${compressed})

# Modes and times do not depend on who builds and when.
run(chmod -R u+rwX,go+rX,go-w .)
run(find . -exec touch --no-dereference --date=@$ENV{SOURCE_DATE_EPOCH} {} +)
