// The program has no heap, and so no allocator: whoever asks is told that memory is short. zstd refers to
// these for contexts it allocates itself; the program gives it static ones.

#include <cstddef>

extern "C" {

void* malloc(std::size_t) {
  return nullptr;
}

void* calloc(std::size_t, std::size_t) {
  return nullptr;
}

void* realloc(void*, std::size_t) {
  return nullptr;
}

void free(void*) {}

}  // extern "C"
