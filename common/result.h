// Expected<T, E>: a value or an error, with the member names of C++23's std::expected so that it can
// become an alias of it. Result<T> carries the heap-free Error; Outcome<T> (common/hosted/failure.h)
// carries a Failure with its trail.
//
//   Result<Header> read_header(Device& device) {
//     const auto bytes = TRY(device.read(0, 64));     // returns the error to our caller
//     if (bad(bytes)) return Error::make(ErrorCode::corrupt, "header checksum does not match");
//     return decode(bytes);
//   }
//
// Never use TRY inside a coroutine: g++ 12 fails with an internal compiler error there.

#pragma once

#include <new>
#include <type_traits>
#include <utility>

#include "common/error.h"

namespace warmdump {

template <class E>
struct Unexpected {
  E error;
};

template <class T, class E>
class [[nodiscard]] Expected {
 public:
  using value_type = T;
  using error_type = E;

  Expected(const T& value) : has_value_(true) { new (&value_) T(value); }        // NOLINT: implicit by design
  Expected(T&& value) : has_value_(true) { new (&value_) T(std::move(value)); }  // NOLINT
  Expected(const E& error) : has_value_(false) { new (&error_) E(error); }       // NOLINT
  Expected(E&& error) : has_value_(false) { new (&error_) E(std::move(error)); }  // NOLINT
  template <class G>
  requires std::is_convertible_v<G, E> Expected(Unexpected<G>&& error) : has_value_(false) {  // NOLINT
    new (&error_) E(std::move(error.error));
  }
  Expected(Expected&& other) : has_value_(other.has_value_) {
    if (has_value_) {
      new (&value_) T(std::move(other.value_));
    } else {
      new (&error_) E(std::move(other.error_));
    }
  }
  Expected(const Expected&) = delete;
  Expected& operator=(const Expected&) = delete;
  Expected& operator=(Expected&&) = delete;
  ~Expected() {
    if (has_value_) {
      value_.~T();
    } else {
      error_.~E();
    }
  }

  bool has_value() const { return has_value_; }
  explicit operator bool() const { return has_value_; }
  // Calling value() on an error, or error() on a value, is a bug of the caller.
  T& value() { return value_; }
  const T& value() const { return value_; }
  T& operator*() { return value_; }
  const T& operator*() const { return value_; }
  T* operator->() { return &value_; }
  const T* operator->() const { return &value_; }
  E& error() { return error_; }
  const E& error() const { return error_; }

 private:
  union {
    T value_;
    E error_;
  };
  bool has_value_;
};

template <class E>
class [[nodiscard]] Expected<void, E> {
 public:
  using value_type = void;
  using error_type = E;

  Expected() : error_{}, has_value_(true) {}
  Expected(const E& error) : error_(error), has_value_(false) {}        // NOLINT: implicit by design
  Expected(E&& error) : error_(std::move(error)), has_value_(false) {}  // NOLINT
  template <class G>
  requires std::is_convertible_v<G, E> Expected(Unexpected<G>&& error)
      : error_(std::move(error.error)), has_value_(false) {}  // NOLINT

  bool has_value() const { return has_value_; }
  explicit operator bool() const { return has_value_; }
  void value() const {}
  E& error() { return error_; }
  const E& error() const { return error_; }

 private:
  E error_;
  bool has_value_;
};

template <class T>
using Result = Expected<T, Error>;

}  // namespace warmdump

#define WARMDUMP_JOIN_(a, b) a##b
#define WARMDUMP_JOIN(a, b) WARMDUMP_JOIN_(a, b)
#define WARMDUMP_TRY(name, ...)                                                                            \
  __extension__({                                                                                          \
    auto name = (__VA_ARGS__);                                                                             \
    if (!name.has_value()) {                                                                               \
      return ::warmdump::Unexpected<std::remove_cvref_t<decltype(name.error())>>{std::move(name.error())}; \
    }                                                                                                      \
    ::warmdump::take_value(name);                                                                          \
  })
// Evaluates to the value of an Expected, or returns its error from the enclosing function.
#define TRY(...) WARMDUMP_TRY(WARMDUMP_JOIN(try_result_, __COUNTER__), __VA_ARGS__)

namespace warmdump {
template <class T, class E>
T take_value(Expected<T, E>& expected) {
  if constexpr (!std::is_void_v<T>) return std::move(expected.value());
}
}  // namespace warmdump
