#include "capture/support/helper_thread.h"

#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>

#include <cstring>

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#include <pthread.h>
#define WARMDUMP_LIBRARY_THREADS
#endif

namespace warmdump {

#ifdef __x86_64__

namespace {

// The C library's own would write errno, which belongs to another thread.
long futex(std::uint32_t* word, int operation, std::uint32_t value) {
  long result = SYS_futex;
  register const void* timeout asm("r10") = nullptr;
  asm volatile("syscall"
               : "+a"(result)
               : "D"(word), "S"(static_cast<long>(operation)), "d"(static_cast<unsigned long>(value)),
                 "r"(timeout)
               : "rcx", "r11", "memory");
  return result;
}

}  // namespace

void SharedWord::wait_while(std::uint32_t value) {
  futex(&value_, FUTEX_WAIT_PRIVATE, value);
}

void SharedWord::wake() {
  futex(&value_, FUTEX_WAKE_PRIVATE, 0x7fffffff);
}

#else

void SharedWord::wait_while(std::uint32_t) {}
void SharedWord::wake() {}

#endif

#ifdef WARMDUMP_LIBRARY_THREADS

namespace {
struct Call {
  void (*body)(void*);
  void* argument;
};
}  // namespace

bool HelperThread::start(void (*body)(void*), void* argument) {
  const Call call{body, argument};
  std::memcpy(stack_, &call, sizeof(call));
  const auto run = [](void* start) -> void* {
    Call copy;
    std::memcpy(&copy, start, sizeof(copy));
    copy.body(copy.argument);
    return nullptr;
  };
  return ::pthread_create(&library_thread_, nullptr, run, stack_) == 0;
}

void HelperThread::join() {
  ::pthread_join(library_thread_, nullptr);
}

#elif defined(__x86_64__)

bool HelperThread::start(void (*body)(void*), void* argument) {
  constexpr unsigned long kFlags =
      CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | CLONE_CHILD_CLEARTID;
  // What the new thread takes from its stack: first its argument, then what to run.
  std::byte* const top = stack_ + sizeof(stack_) - 2 * sizeof(void*);
  std::memcpy(top, &argument, sizeof(argument));
  std::memcpy(top + sizeof(argument), &body, sizeof(body));
  is_running_.store(1);
  long result = SYS_clone;
  register std::uint32_t* child_id asm("r10") = is_running_.address();
  register unsigned long storage asm("r8") = 0;
  asm volatile(
      "syscall\n\t"
      "test %%rax, %%rax\n\t"
      "jnz 1f\n\t"
      "xor %%ebp, %%ebp\n\t"
      "pop %%rdi\n\t"
      "pop %%rax\n\t"
      "call *%%rax\n\t"
      "xor %%edi, %%edi\n\t"
      "mov %[exit], %%eax\n\t"
      "syscall\n"
      "1:"
      : "+a"(result)
      : "D"(kFlags), "S"(top), "d"(nullptr), "r"(child_id), "r"(storage), [exit] "i"(SYS_exit)
      : "rcx", "r11", "memory", "cc");
  return result > 0;
}

void HelperThread::join() {
  // The kernel wakes this address when it clears it, but not as a private futex.
  while (const std::uint32_t value = is_running_.load()) futex(is_running_.address(), FUTEX_WAIT, value);
}

#else

bool HelperThread::start(void (*)(void*), void*) {
  return false;
}
void HelperThread::join() {}

#endif

}  // namespace warmdump
