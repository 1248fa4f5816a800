// The parts of libsodium that the static program leaves out: of its BLAKE2b the portable one is used, and
// nothing is set up at the start. Linked into the program only. Names as in libsodium 1.0.18.
//
// A fault of the library's use has no place to go in process 1: the hash is then of less, and the dump will
// not be believed. It cannot happen with the fixed sizes of dump_seal.cc.

#include <cstddef>

extern "C" {

// core.o
void sodium_misuse() {}

// Compression functions for newer processors, and what chooses among them.
int blake2b_compress_ssse3() {
  return -1;
}
int blake2b_compress_sse41() {
  return -1;
}
int blake2b_compress_avx2() {
  return -1;
}
int sodium_runtime_has_ssse3() {
  return 0;
}
int sodium_runtime_has_sse41() {
  return 0;
}
int sodium_runtime_has_avx2() {
  return 0;
}

// utils.o
void sodium_memzero(void* memory, std::size_t size) {
  auto* bytes = static_cast<volatile unsigned char*>(memory);
  while (size-- > 0) *bytes++ = 0;
}

}  // extern "C"
