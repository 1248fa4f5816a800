// JsonWriter and JsonReader: both ways between a plain structure and a JSON object by one list of its
// members, so that what is written is what is read. The list is a function that is called with either:
//
//   template <class Exchange>
//   void exchange_point(Exchange& exchange, Point& point) {
//     exchange("x", point.x);
//     exchange("label", point.label);
//   }
//
// An empty optional is left out. A key that is missing leaves the member as it is; a value of the wrong type
// throws what nlohmann::json throws, for the one who parsed the text to catch.

#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>

namespace warmdump {

// What becomes of texts.
struct JsonTexts {
  std::size_t size_max = SIZE_MAX;  // longer ones are cut, "..." behind them
  bool omits_empty = false;
};

class JsonWriter {
 public:
  explicit JsonWriter(const JsonTexts& texts = {}) : texts_(texts) {}

  void operator()(const char* key, const std::string& text) {
    if (text.empty() && texts_.omits_empty) return;
    json[key] = text.size() <= texts_.size_max ? text : text.substr(0, texts_.size_max) + "...";
  }
  template <class T>
  void operator()(const char* key, const T& value) {
    json[key] = value;
  }
  template <class T>
  void operator()(const char* key, const std::optional<T>& value) {
    if (value) json[key] = *value;
  }

  // An object in the object.
  template <class Function>
  void object(const char* key, Function&& members) {
    JsonWriter inner(texts_);
    members(inner);
    json[key] = std::move(inner.json);
  }
  template <class T, class Function>
  void object(const char* key, T& value, Function&& members) {
    object(key, [&](JsonWriter& inner) { members(inner, value); });
  }
  template <class T, class Function>
  void object(const char* key, std::optional<T>& value, Function&& members) {
    if (value) object(key, *value, members);
  }

  nlohmann::ordered_json json = nlohmann::ordered_json::object();

 private:
  JsonTexts texts_;
};

class JsonReader {
 public:
  // Borrowed.
  explicit JsonReader(const nlohmann::ordered_json& source) : json(source) {}

  template <class T>
  void operator()(const char* key, T& value) {
    if (json.contains(key)) json.at(key).get_to(value);
  }
  template <class T>
  void operator()(const char* key, std::optional<T>& value) {
    if (json.contains(key)) value = json.at(key).get<T>();
  }

  template <class Function>
  void object(const char* key, Function&& members) {
    if (!json.contains(key)) return;
    JsonReader inner(json.at(key));
    members(inner);
  }
  template <class T, class Function>
  void object(const char* key, T& value, Function&& members) {
    object(key, [&](JsonReader& inner) { members(inner, value); });
  }
  template <class T, class Function>
  void object(const char* key, std::optional<T>& value, Function&& members) {
    if (json.contains(key)) object(key, value.emplace(), members);
  }

  const nlohmann::ordered_json& json;
};

}  // namespace warmdump
