// What the uploader's state files have in common: values that are read with suspicion, names of enumerators,
// moments and errors. Only for the sources beside it.

#pragma once

#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <type_traits>

#include "common/hosted/failure.h"
#include "upload/queue/dump_record.h"

namespace warmdump::state_json {

using nlohmann::json;
using nlohmann::ordered_json;

// Thrown by the functions below for a value that cannot be; parse_state() turns it into a Failure.
struct Misfit {};

template <class E>
struct Named {
  E value;
  const char* name;
};

template <class E, std::size_t N>
const char* name_in(const Named<E> (&table)[N], E value) {
  for (const auto& row : table) {
    if (row.value == value) return row.name;
  }
  return "";
}

template <class E, std::size_t N>
E value_in(const Named<E> (&table)[N], const json& name) {
  for (const auto& row : table) {
    if (name == row.name) return row.value;
  }
  throw Misfit();
}

// Leaves `value` alone when there is no such key.
template <class T>
void take(const json& object, const char* key, T& value) {
  const auto found = object.find(key);
  if (found == object.end()) return;
  if constexpr (std::is_same_v<T, bool> || std::is_same_v<T, std::string>) {
    found->get_to(value);
  } else if constexpr (std::is_unsigned_v<T>) {
    if (!found->is_number_unsigned()) throw Misfit();
    const auto number = found->template get<std::uint64_t>();
    if (number > std::numeric_limits<T>::max()) throw Misfit();
    value = static_cast<T>(number);
  } else {
    static_assert(std::is_same_v<T, std::int64_t>);
    const bool fits = found->is_number_integer() &&
                      (!found->is_number_unsigned() ||
                       found->template get<std::uint64_t>() <= std::numeric_limits<std::int64_t>::max());
    if (!fits) throw Misfit();
    value = found->template get<std::int64_t>();
  }
}

ordered_json from_moment(const Moment& moment);
Moment to_moment(const json& stored);
ordered_json from_due(const Due& due);
Due to_due(const json& stored);
ordered_json from_error(const RecordedError& error);
RecordedError to_error(const json& stored);

// Bytes that are no UTF-8 become U+FFFD.
std::string text_of(const ordered_json& object);

// `convert` of the object in `text`. Errors: corrupt for what is no such object or draws an exception;
// unsupported for another schema than `schema`.
template <class Convert>
auto parse_state(std::string_view text, int schema, Convert convert)
    -> Outcome<decltype(convert(std::declval<const json&>()))> {
  try {
    const json object = json::parse(text);
    const auto found = object.is_object() ? object.find("schema") : object.end();
    if (!object.is_object() || found == object.end() || !found->is_number_unsigned()) throw Misfit();
    if (*found > schema) {
      return Failure(ErrorCode::unsupported, "it was written by a newer warmdump; use that one");
    }
    return convert(object);
  } catch (const json::exception&) {
  } catch (const Misfit&) {
  }
  return Failure(ErrorCode::corrupt, "it is damaged");
}

}  // namespace warmdump::state_json
