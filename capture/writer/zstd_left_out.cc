// The parts of libzstd that the static program leaves out. zstd_compress.o refers to every strategy there is;
// what is defined here is not taken from libzstd.a, which is most of it. Linked into the program only: the
// tests of its parts have all of zstd.
//
// Each definition does what makes a valid frame: a block compressor that finds no match, a table that takes
// nothing. So a strategy that is asked for although it is left out costs size, not the dump, and says so.
//
// To use a strategy: delete the group that holds its block compressor. Names as in zstd 1.5 (lib/compress); a
// zstd that has more of them in one of these files does not link.

#include <cstddef>
#include <cstdint>

#include "capture/support/raw_log.h"

namespace {

std::size_t no_match(std::size_t size) {
  static bool told = false;
  if (!told)
    warmdump::log_line("this program was built without a zstd strategy it uses: the dump gets larger");
  told = true;
  return size;
}

}  // namespace

// Returns the number of bytes after the last match.
#define BLOCK_COMPRESSOR(name)                                                                         \
  std::size_t ZSTD_compressBlock_##name(void*, void*, std::uint32_t*, const void*, std::size_t size) { \
    return no_match(size);                                                                             \
  }
#define WITH_DICTIONARIES(name) \
  BLOCK_COMPRESSOR(name)        \
  BLOCK_COMPRESSOR(name##_dictMatchState) BLOCK_COMPRESSOR(name##_extDict)
#define WITH_ROWS(name) BLOCK_COMPRESSOR(name) BLOCK_COMPRESSOR(name##_row)
#define WITH_ROWS_AND_DICTIONARIES(name) \
  WITH_ROWS(name)                        \
  WITH_ROWS(name##_dictMatchState)       \
  WITH_ROWS(name##_dedicatedDictSearch) WITH_ROWS(name##_extDict)

extern "C" {

// zstd_double_fast.o
WITH_DICTIONARIES(doubleFast)
void ZSTD_fillDoubleHashTable() {}

// zstd_lazy.o
WITH_ROWS_AND_DICTIONARIES(greedy)
WITH_ROWS_AND_DICTIONARIES(lazy)
WITH_ROWS_AND_DICTIONARIES(lazy2)
WITH_DICTIONARIES(btlazy2)
void ZSTD_row_update() {}
void ZSTD_dedicatedDictSearch_lazy_loadDictionary() {}
std::uint32_t ZSTD_insertAndFindFirstIndex() {
  return 0;
}

// zstd_opt.o
WITH_DICTIONARIES(btopt)
WITH_DICTIONARIES(btultra)
BLOCK_COMPRESSOR(btultra2)
void ZSTD_updateTree() {}

// zstd_ldm.o, long distance matching. The sizes are asked for whether it is on or not: it needs no room.
std::size_t ZSTD_ldm_getTableSize() {
  return 0;
}
std::size_t ZSTD_ldm_getMaxNbSeq() {
  return 0;
}
std::size_t ZSTD_ldm_generateSequences() {
  return 0;
}
std::size_t ZSTD_ldm_blockCompress(void*, void*, void*, std::uint32_t*, int, const void*, std::size_t size) {
  return no_match(size);
}
void ZSTD_ldm_adjustParameters() {}
void ZSTD_ldm_fillHashTable() {}
void ZSTD_ldm_skipSequences() {}
void ZSTD_ldm_skipRawSeqStoreBytes() {}

// zstd_compress_superblock.o, blocks of a wanted compressed size. 0: the block does not get smaller.
std::size_t ZSTD_compressSuperBlock() {
  return 0;
}

}  // extern "C"
