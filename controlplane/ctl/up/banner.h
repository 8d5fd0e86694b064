#pragma once

#include <string>
#include <vector>

#include "common/io/address.h"

namespace chain429 {

// What is said once both planes are ready.
struct BannerFacts {
  SocketAddress api;     // as reached from this host
  SocketAddress admin;
  SocketAddress grpc;
  SocketAddress http;
  std::string chain;     // to call
  std::vector<std::string> chains;  // all there are
  std::string free_tiers;           // a table; empty: there is nothing to show
  std::vector<std::string> key_variables;  // that the demo names for going real
  std::string state_folder;         // empty: nothing outlives this run
  std::string client_key_variable;  // holds the key that clients send; empty: none is asked for
  std::string config_file;
  std::string ctl_path;  // how this program was called
  bool demo = false;
  bool traffic = false;
};

std::string Banner(const BannerFacts& facts, bool colour);
// The same for machines, on one line.
std::string BannerJson(const BannerFacts& facts);

}  // namespace chain429
