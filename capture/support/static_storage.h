// StaticStorage: room for one large object that is made when its parts are known. Takes no memory until used,
// and needs no heap, no guard and no destructor at exit.

#pragma once

#include <cstddef>
#include <new>
#include <utility>

namespace warmdump {

template <class T>
class StaticStorage {
 public:
  // Makes the object; call at most once. It is never destroyed.
  template <class... Arguments>
  T& make(Arguments&&... arguments) {
    return *new (bytes_) T(std::forward<Arguments>(arguments)...);
  }

 private:
  alignas(T) std::byte bytes_[sizeof(T)];
};

}  // namespace warmdump
