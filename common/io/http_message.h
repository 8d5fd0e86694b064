#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace chain429 {

struct HttpField {
  std::string name;
  std::string value;
};

// A request as the small server hands it to its handlers.
struct HttpRequest {
  std::string method;                                       // "GET"; HEAD arrives as "GET"
  std::string path;                                         // percent-decoded, begins with '/'
  std::vector<std::pair<std::string, std::string>> query;   // decoded, in order
  std::vector<HttpField> headers;                           // names in lower case, in order
  std::string body;
  std::string peer;                                         // address of the other end, without port

  // The first of that name; nullopt: absent. `name` in lower case.
  std::optional<std::string_view> Header(std::string_view name) const;
  std::optional<std::string_view> Query(std::string_view name) const;
};

struct HttpResponse {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::vector<HttpField> headers;  // beside content-type, content-length and connection
};

// {"error":{"message","type","param","code"}}: the shape of all our errors. Empty `code` becomes null.
HttpResponse ErrorResponse(int status, std::string_view message, std::string_view code = {});
// 405 with Allow.
HttpResponse MethodNotAllowed(std::string_view method, std::string_view allow);
HttpResponse NotFound(std::string_view path);
HttpResponse JsonResponse(std::string body, int status = 200);
HttpResponse TextResponse(std::string body, int status = 200);

// A web page of another origin made a browser send this. State-changing routes without credentials of their own refuse
// such requests, or any page that a person on this host visits could call them.
bool IsCrossSite(const HttpRequest& request);

}  // namespace chain429
