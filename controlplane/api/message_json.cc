#include "controlplane/api/message_json.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <nlohmann/json.hpp>

#include "common/base/text.h"

namespace chain429 {
namespace {

using Json = nlohmann::ordered_json;
using google::protobuf::EnumValueDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

Json ObjectOf(const Message& message);

// CLOSURE_RATE_LIMITED of the enum Closure → "rate_limited": the prefix is as long as that of the enum's value 0, up to
// its last underscore.
std::string EnumWord(const EnumValueDescriptor& value) {
  std::string prefix;
  for (const char c : value.type()->name()) {
    if (!prefix.empty() && c >= 'A' && c <= 'Z') prefix.push_back('_');
    prefix.push_back(c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c);
  }
  prefix.push_back('_');
  std::string_view name = value.name();
  if (name.starts_with(prefix)) name.remove_prefix(prefix.size());
  return LowerAscii(name);
}

// `index` < 0: the field is not repeated.
Json ValueOf(const Message& message, const FieldDescriptor& field, int index) {
  const Reflection& get = *message.GetReflection();
  const bool many = index >= 0;
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return many ? get.GetRepeatedInt32(message, &field, index) : get.GetInt32(message, &field);
    case FieldDescriptor::CPPTYPE_INT64:
      return many ? get.GetRepeatedInt64(message, &field, index) : get.GetInt64(message, &field);
    case FieldDescriptor::CPPTYPE_UINT32:
      return many ? get.GetRepeatedUInt32(message, &field, index) : get.GetUInt32(message, &field);
    case FieldDescriptor::CPPTYPE_UINT64: {
      const uint64_t value = many ? get.GetRepeatedUInt64(message, &field, index) : get.GetUInt64(message, &field);
      return field.name() == "id" ? Json(std::to_string(value)) : Json(value);
    }
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return many ? get.GetRepeatedDouble(message, &field, index) : get.GetDouble(message, &field);
    case FieldDescriptor::CPPTYPE_FLOAT:
      return many ? get.GetRepeatedFloat(message, &field, index) : get.GetFloat(message, &field);
    case FieldDescriptor::CPPTYPE_BOOL:
      return many ? get.GetRepeatedBool(message, &field, index) : get.GetBool(message, &field);
    case FieldDescriptor::CPPTYPE_ENUM:
      return EnumWord(many ? *get.GetRepeatedEnum(message, &field, index) : *get.GetEnum(message, &field));
    case FieldDescriptor::CPPTYPE_STRING:
      return many ? get.GetRepeatedString(message, &field, index) : get.GetString(message, &field);
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return ObjectOf(many ? get.GetRepeatedMessage(message, &field, index) : get.GetMessage(message, &field));
  }
  return nullptr;
}

Json ObjectOf(const Message& message) {
  Json object = Json::object();
  const Reflection& get = *message.GetReflection();
  for (int i = 0; i < message.GetDescriptor()->field_count(); ++i) {
    const FieldDescriptor& field = *message.GetDescriptor()->field(i);
    if (field.is_repeated()) {
      Json list = Json::array();
      for (int j = 0; j < get.FieldSize(message, &field); ++j) list.push_back(ValueOf(message, field, j));
      object[field.name()] = std::move(list);
    } else if (!field.has_presence() || get.HasField(message, &field)) {
      object[field.name()] = ValueOf(message, field, -1);
    } else {
      object[field.name()] = nullptr;
    }
  }
  return object;
}

}  // namespace

std::string MessageJson(const Message& message) {
  return ObjectOf(message).dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace chain429
