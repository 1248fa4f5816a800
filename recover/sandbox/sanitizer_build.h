// Whether AddressSanitizer is compiled in. It maps terabytes for its own use and makes system calls of its
// own, so some borders around the reader of a dump are wider then: tests only.

#pragma once

namespace warmdump {

#if defined(__SANITIZE_ADDRESS__)
inline constexpr bool kIsSanitizerBuild = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
inline constexpr bool kIsSanitizerBuild = true;
#else
inline constexpr bool kIsSanitizerBuild = false;
#endif
#else
inline constexpr bool kIsSanitizerBuild = false;
#endif

}  // namespace warmdump
