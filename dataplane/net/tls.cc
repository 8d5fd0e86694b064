#include "dataplane/net/tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "dataplane/net/tls_sessions.h"

namespace chain429 {

absl::StatusOr<std::unique_ptr<TlsClientContext>> TlsClientContext::Create() {
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  if (context == nullptr) return absl::InternalError(absl::StrCat("TLS cannot be set up: ", TlsErrorText()));
  std::unique_ptr<TlsClientContext> owner(new TlsClientContext(context));
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_mode(context,
                   SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  // Providers close without close_notify; HTTP's own framing tells whether an answer is whole.
  SSL_CTX_set_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_NO_RENEGOTIATION);
  if (SSL_CTX_set_default_verify_paths(context) != 1) {
    return absl::InternalError(absl::StrCat("the system's certificate authorities cannot be read: ", TlsErrorText()));
  }
  constexpr unsigned char kAlpn[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
  SSL_CTX_set_alpn_protos(context, kAlpn, sizeof kAlpn);
  TlsSessions::Enable(context);
  return owner;
}

TlsClientContext::~TlsClientContext() { SSL_CTX_free(context_); }

std::string AuthoritiesProblem() {
  const char* const file = std::getenv(X509_get_default_cert_file_env());
  if (file != nullptr && access(file, R_OK) != 0)
    return absl::StrCat(X509_get_default_cert_file_env(), " names a file that cannot be read: ", file);
  const char* const directory = std::getenv(X509_get_default_cert_dir_env());
  if (access(file != nullptr ? file : X509_get_default_cert_file(), R_OK) == 0) return {};
  std::error_code none;
  if (std::filesystem::is_directory(directory != nullptr ? directory : X509_get_default_cert_dir(), none) &&
      !std::filesystem::is_empty(directory != nullptr ? directory : X509_get_default_cert_dir(), none)) {
    return {};
  }
  return "no certificate authorities are installed, so no provider over https can be trusted: install ca-certificates, "
         "or name a file by SSL_CERT_FILE";
}

std::string TlsErrorText() {
  std::string text;
  for (unsigned long code = ERR_get_error(); code != 0; code = ERR_get_error()) {
    const char* reason = ERR_reason_error_string(code);
    text = reason != nullptr ? reason : absl::StrCat("error ", absl::Hex(code));
  }
  return text.empty() ? "the connection was closed" : text;
}

std::string TlsFailureText(SSL* ssl, std::string_view host) {
  const long verified = SSL_get_verify_result(ssl);
  if (verified == X509_V_OK) return absl::StrCat("TLS handshake failed: ", TlsErrorText());
  ERR_clear_error();
  std::string why = X509_verify_cert_error_string(verified);
  const bool other_name = verified == X509_V_ERR_HOSTNAME_MISMATCH || verified == X509_V_ERR_IP_ADDRESS_MISMATCH;
  if (other_name) why.append(", it is not for \"").append(host).append("\"");
  return "certificate refused: " + why;
}

}  // namespace chain429
