# The C library of the crash kernel's program: musl, static. Of glibc such a program carries 700 KiB, of musl 10.
#
#   crash_libc                       INTERFACE target: compile against musl's headers
#   link_crash_libc(<executable>)    link with the C driver against musl and nothing else
#
# No header of glibc can be reached: beside musl's there are only the compiler's and the C++ library's own, and
# links to the few others that are named here.

find_path(musl_include_directory bits/alltypes.h REQUIRED NO_DEFAULT_PATH
          PATHS /usr/include/x86_64-linux-musl /usr/x86_64-linux-musl/include /usr/lib/musl/include)
find_path(musl_library_directory crt1.o REQUIRED NO_DEFAULT_PATH
          PATHS /usr/lib/x86_64-linux-musl /usr/x86_64-linux-musl/lib64 /usr/x86_64-linux-musl/lib /usr/lib/musl/lib)

set(crash_libc_headers ${CMAKE_BINARY_DIR}/crash_libc_headers)
file(MAKE_DIRECTORY ${crash_libc_headers})
# To add one: its name, as it is included. Directories are the kernel's interface; files must need no C library
# beyond standard C.
foreach(header linux asm asm-generic sodium zstd.h zstd_errors.h)
  unset(found CACHE)
  find_path(found ${header} PATH_SUFFIXES ${CMAKE_LIBRARY_ARCHITECTURE} REQUIRED)
  file(CREATE_LINK ${found}/${header} ${crash_libc_headers}/${header} SYMBOLIC)
endforeach()
unset(found CACHE)

add_library(crash_libc INTERFACE)
set(compiler_include_directories ${CMAKE_CXX_IMPLICIT_INCLUDE_DIRECTORIES})
set(cxx_include_directories ${compiler_include_directories})
list(FILTER cxx_include_directories INCLUDE REGEX "/c\\+\\+/")
list(FILTER compiler_include_directories INCLUDE REGEX "/lib(64)?/(gcc|clang|llvm[^/]*/lib/clang)/")
target_compile_options(crash_libc INTERFACE -nostdinc)
foreach(directory ${cxx_include_directories} ${musl_include_directory} ${compiler_include_directories}
                  ${crash_libc_headers})
  target_compile_options(crash_libc INTERFACE "SHELL:-isystem ${directory}")
endforeach()
# libstdc++ was configured for glibc and asks for its version.
target_compile_options(crash_libc INTERFACE "-D__GLIBC_PREREQ(major,minor)=0")

# Without the compiler's own start files, which serve exceptions and shared libraries.
function(link_crash_libc executable)
  set_target_properties(${executable} PROPERTIES LINKER_LANGUAGE C)
  target_link_options(${executable} PRIVATE -static -no-pie -nostdlib ${musl_library_directory}/crt1.o)
  # Not a library of the target: it has to come after all of them.
  set(CMAKE_C_STANDARD_LIBRARIES "${musl_library_directory}/libc.a -lgcc" PARENT_SCOPE)
endfunction()
