#pragma once

#include <string>

#include "common/io/address.h"

namespace chain429 {

// What is said once both planes are ready.
struct BannerFacts {
  SocketAddress api;     // as reached from this host
  SocketAddress admin;
  SocketAddress grpc;
  SocketAddress http;
  std::string chain;     // to call
  std::string client_key_variable;  // holds the key that clients send; empty: none is asked for
  std::string config_file;
  std::string ctl_path;  // how this program was called
  bool demo = false;
  bool traffic = false;
};

std::string Banner(const BannerFacts& facts, bool colour);

}  // namespace chain429
