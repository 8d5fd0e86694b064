#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/base/log.h"

namespace boost::asio {
class io_context;
}

namespace chain429 {

// Where a program finds its certificate and key, and for mutual TLS the authority of the other side's.
struct PemPaths {
  std::string cert;
  std::string key;
  std::string ca;            // empty: nobody else's certificate is asked for
  std::string flag = "tls";  // "tls" for --tls-cert and --tls-key: how messages name the files
};

// What stood in the files. The key is not for logs.
struct PemTexts {
  std::string cert;  // the certificate, then those that lead to its authority
  std::string key;
  std::string ca;
  friend bool operator==(const PemTexts&, const PemTexts&) = default;
};

// Reads the files and checks that they hold together: PEM, a key without passphrase that belongs to the certificate, an
// authority where one is named. The error names flag and file.
absl::StatusOr<PemTexts> ReadPem(const PemPaths& paths);

// Follows the files while the process runs: certificates are renewed by others. Belongs to one thread.
class PemWatch {
 public:
  PemWatch(PemPaths paths, PemTexts serving) : paths_(std::move(paths)), serving_(std::move(serving)) {}

  // What the files hold now, if that is new and good; nullopt: nothing to do. What is bad is an error once, and only
  // when it has been seen twice in a row: renewing writes two files, and between the two writes they do not match.
  absl::StatusOr<std::optional<PemTexts>> Poll();
  const PemPaths& paths() const { return paths_; }

 private:
  const PemPaths paths_;
  PemTexts serving_;
  std::string last_error_;
  bool reported_ = false;
};

// Polls a watch every second on `context`, and hands on what is new; `take` may refuse it. Belongs to the context's
// thread once it runs.
class PemReload {
 public:
  using Take = std::function<absl::Status(const PemTexts&)>;
  PemReload(boost::asio::io_context& context, PemWatch watch, Take take, const Logger& logger);
  ~PemReload();
  PemReload(const PemReload&) = delete;
  PemReload& operator=(const PemReload&) = delete;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace chain429
