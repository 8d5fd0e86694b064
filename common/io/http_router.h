#pragma once

#include <string>
#include <vector>

#include "common/io/http_server.h"

namespace chain429 {

// Which handler a path and method have: 404 for an unknown path, 405 with Allow for another method of a known one. A
// path that ends in "/*" takes everything below it; an exact path goes first, then the longest such prefix. Filled
// before the server listens, then only read.
class Router {
 public:
  void Add(std::string method, std::string path, HttpServer::Handler handler);
  void AddAsync(std::string method, std::string path, HttpServer::AsyncHandler handler);

  void Handle(HttpRequest request, HttpServer::Reply reply) const;

 private:
  struct Route {
    std::string method;
    std::string path;
    HttpServer::AsyncHandler handler;
  };
  std::vector<Route> routes_;
};

}  // namespace chain429
