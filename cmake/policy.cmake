# Build policy as INTERFACE targets; a target links the ones it obeys.
#
#   project_warnings  every target of this project
#   capture_rules     code that runs in the crash kernel: no exceptions, no RTTI, no thread-safe statics, no
#                     destructors at exit, musl instead of glibc
#   sanitizers        address and undefined-behaviour sanitizers, when WARMDUMP_SANITIZE is on

option(WARMDUMP_WERROR "Treat warnings as errors" OFF)
option(WARMDUMP_SANITIZE "Build with address and undefined behaviour sanitizers" OFF)
option(WARMDUMP_FUZZ "Build the fuzz targets; needs clang" OFF)

add_library(project_warnings INTERFACE)
target_compile_options(project_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wnon-virtual-dtor
  $<$<BOOL:${WARMDUMP_WERROR}>:-Werror>)

add_library(capture_rules INTERFACE)
target_compile_options(capture_rules INTERFACE
  -fno-exceptions -fno-rtti -fno-threadsafe-statics -fno-asynchronous-unwind-tables -fno-use-cxa-atexit
  -ffunction-sections -fdata-sections -fno-stack-protector -fno-pie)
target_link_libraries(capture_rules INTERFACE crash_libc)

add_library(sanitizers INTERFACE)
if(WARMDUMP_SANITIZE)
  target_compile_options(sanitizers INTERFACE -fsanitize=address,undefined -fno-sanitize-recover=all
                                              -fno-omit-frame-pointer
                                              # g++ 12 takes instrumented library code for uninitialised
                                              $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>
                                              $<$<BOOL:${WARMDUMP_FUZZ}>:-fsanitize=fuzzer-no-link>)
  target_link_options(sanitizers INTERFACE -fsanitize=address,undefined)
endif()
