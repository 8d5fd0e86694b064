#include "common/io/http_message.h"

#include "absl/strings/str_cat.h"
#include "common/base/log.h"
#include "common/base/text.h"

namespace chain429 {
namespace {

std::string_view ErrorType(int status) {
  if (status == 401) return "authentication_error";
  if (status == 403) return "permission_error";
  return status < 500 ? "invalid_request_error" : "server_error";
}

}  // namespace

std::optional<std::string_view> HttpRequest::Header(std::string_view name) const {
  for (const HttpField& field : headers) {
    if (field.name == name) return field.value;
  }
  return std::nullopt;
}

std::optional<std::string_view> HttpRequest::Query(std::string_view name) const {
  for (const auto& [key, value] : query) {
    if (key == name) return value;
  }
  return std::nullopt;
}

HttpResponse ErrorResponse(int status, std::string_view message, std::string_view code) {
  HttpResponse response;
  response.status = status;
  response.body = R"({"error":{"message":")";
  AppendJsonEscaped(response.body, message);
  absl::StrAppend(&response.body, R"(","type":")", ToAbsl(ErrorType(status)), R"(","param":null,"code":)");
  if (code.empty()) {
    response.body.append("null}}\n");
  } else {
    response.body.push_back('"');
    AppendJsonEscaped(response.body, code);
    response.body.append("\"}}\n");
  }
  return response;
}

HttpResponse MethodNotAllowed(std::string_view method, std::string_view allow) {
  HttpResponse response = ErrorResponse(405, absl::StrCat(ToAbsl(method), " is not allowed here; use ", ToAbsl(allow)),
                                        "method_not_allowed");
  response.headers.push_back({"allow", std::string(allow)});
  return response;
}

HttpResponse NotFound(std::string_view path) {
  return ErrorResponse(404, absl::StrCat("there is nothing at ", ToAbsl(Truncate(path, 200))), "not_found");
}

HttpResponse JsonResponse(std::string body, int status) {
  HttpResponse response;
  response.status = status;
  response.body = std::move(body);
  return response;
}

HttpResponse TextResponse(std::string body, int status) {
  HttpResponse response;
  response.status = status;
  response.content_type = "text/plain; charset=utf-8";
  response.body = std::move(body);
  return response;
}

bool IsCrossSite(const HttpRequest& request) {
  if (const auto site = request.Header("sec-fetch-site"); site && *site != "same-origin" && *site != "none")
    return true;
  const auto origin = request.Header("origin");
  if (!origin) return false;
  const size_t scheme = origin->find("://");
  return scheme == std::string_view::npos ||
         !EqualsIgnoreCase(origin->substr(scheme + 3), request.Header("host").value_or(""));
}

}  // namespace chain429
