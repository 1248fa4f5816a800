// The parts of libsodium that the static program leaves out, and its choice among the parts that are there:
// of BLAKE2b the portable one and the one for AVX2 (those between are no faster), of ChaCha20 all. Linked
// into the program only. Names as in libsodium 1.0.18.
//
// A fault of the library's use has no place to go in process 1: the hash is then of less, and the dump will
// not be believed. It cannot happen with the fixed sizes of dump_seal.cc and frame_cipher.cc.

#include <cpuid.h>

#include <cstddef>

extern "C" {

// core.o
void sodium_misuse() {}

// randombytes.o: only makers of keys need it.
void randombytes_buf(void*, std::size_t) {}

// Compression functions for processors between the oldest and those with AVX2.
int blake2b_compress_ssse3() {
  return -1;
}
int blake2b_compress_sse41() {
  return -1;
}

// runtime.o
int sodium_runtime_has_sse41() {
  return 0;
}

int sodium_runtime_has_ssse3() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __get_cpuid(1, &a, &b, &c, &d) != 0 && (c & bit_SSSE3) != 0 ? 1 : 0;
}

// The crash kernel must save the wide registers, too.
int sodium_runtime_has_avx2() {
  constexpr unsigned kWideRegisters = 6;  // of XCR0: XMM and YMM
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (__get_cpuid(1, &a, &b, &c, &d) == 0 || (c & bit_OSXSAVE) == 0 || (c & bit_AVX) == 0) return 0;
  unsigned low = 0, high = 0;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  if ((low & kWideRegisters) != kWideRegisters) return 0;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (b & bit_AVX2) != 0 ? 1 : 0;
}

// utils.o
void sodium_memzero(void* memory, std::size_t size) {
  auto* bytes = static_cast<volatile unsigned char*>(memory);
  while (size-- > 0) *bytes++ = 0;
}

// Until these are called, the portable functions are used.
int _crypto_generichash_blake2b_pick_best_implementation();
int _crypto_stream_chacha20_pick_best_implementation();

[[gnu::constructor]] void choose_functions_for_processor() {
  _crypto_generichash_blake2b_pick_best_implementation();
  _crypto_stream_chacha20_pick_best_implementation();
}

}  // extern "C"
