// The life of a region: which state may follow which, in one table.
//
//   empty ──► writing ──► complete ─┐
//     ▲          │  └───► partial ──┤     (partial at once: nothing could be captured)
//     │          └── (died) ────────┼──► recovered ──► cleared ──► writing ...
//
// A capture may start only in `empty` and `cleared`: the first dump wins until it is recovered.

#pragma once

#include "common/dump_format/dump_format.h"

namespace warmdump::dump_format {

// True when `to` may be written over `from`.
constexpr bool may_follow(State from, State to) {
  switch (to) {
    case State::empty:
      return from == State::empty || from == State::cleared;
    case State::writing:
      return from == State::empty || from == State::cleared || from == State::writing;
    case State::complete:
      return from == State::writing;
    case State::partial:  // at once when there was nothing that could be captured
      return from == State::empty || from == State::cleared || from == State::writing;
    case State::recovered:
      return from == State::writing || from == State::complete || from == State::partial;
    case State::cleared:
      return from == State::recovered;
  }
  return false;
}

constexpr bool is_ready_for_capture(State state) {
  return state == State::empty || state == State::cleared;
}

// True when frames may lie on the region that nobody has saved yet.
constexpr bool holds_dump(State state) {
  return state == State::writing || state == State::complete || state == State::partial;
}

constexpr const char* state_name(State state) {
  switch (state) {
    case State::empty:
      return "empty";
    case State::writing:
      return "writing";
    case State::complete:
      return "complete";
    case State::partial:
      return "partial";
    case State::recovered:
      return "recovered";
    case State::cleared:
      return "cleared";
  }
  return "unknown";
}

constexpr const char* phase_name(Phase phase) {
  switch (phase) {
    case Phase::none:
      return "none";
    case Phase::start:
      return "start";
    case Phase::notes:
      return "notes";
    case Phase::kernel_image:
      return "kernel image";
    case Phase::kernel_pages:
      return "kernel pages";
    case Phase::struct_pages:
      return "struct pages";
    case Phase::device_dumps:
      return "device dumps";
    case Phase::user_pages:
      return "user pages";
    case Phase::finished:
      return "finished";
    case Phase::read_back:
      return "reading back";
    case Phase::kernel_tables:
      return "kernel tables";
    case Phase::stacks:
      return "stacks";
    case Phase::kernel_data:
      return "kernel data";
    case Phase::per_cpu:
      return "per-CPU areas";
    case Phase::modules:
      return "modules";
    case Phase::survey:
      return "survey";
    case Phase::kernel_constants:
      return "kernel constants";
    case Phase::kernel_text:
      return "kernel text";
    case Phase::kernel_rest:
      return "rest of kernel image";
    case Phase::vmalloc:
      return "vmalloc";
    case Phase::slab_pages:
      return "slab pages";
    case Phase::page_table_pages:
      return "page tables";
    case Phase::other_kernel_pages:
      return "other kernel pages";
    case Phase::used_struct_pages:
      return "used struct pages";
    case Phase::other_struct_pages:
      return "other struct pages";
    case Phase::private_cache_pages:
      return "private cache pages";
    case Phase::cache_pages:
      return "cache pages";
    case Phase::process_pages:
      return "process pages";
    case Phase::hugetlb_pages:
      return "hugetlb pages";
    case Phase::free_pages:
      return "free pages";
  }
  return "unknown";
}

constexpr const char* page_class_name(PageClass page_class) {
  switch (page_class) {
    case PageClass::absent:
      return "absent";
    case PageClass::kernel:
      return "kernel";
    case PageClass::free:
      return "free";
    case PageClass::unaccepted:
      return "unaccepted";
    case PageClass::cache:
      return "cache";
    case PageClass::private_cache:
      return "private cache";
    case PageClass::user:
      return "user";
    case PageClass::hugetlb:
      return "hugetlb";
    case PageClass::hwpoison:
      return "hwpoison";
    case PageClass::offline:
      return "offline";
    case PageClass::slab:
      return "slab";
    case PageClass::page_table:
      return "page table";
    case PageClass::struct_page:
      return "struct page";
    case PageClass::kernel_image:
      return "kernel image";
    case PageClass::region:
      return "region";
    case PageClass::unknown:
      return "unknown";
  }
  return "invalid";
}

}  // namespace warmdump::dump_format
