#include "common/io/pem_files.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/base/text.h"

namespace chain429 {
namespace {

constexpr size_t kMaxFileBytes = size_t{1} << 20;
constexpr auto kPollInterval = std::chrono::seconds(1);

struct Free {
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};

// A key with a passphrase would have OpenSSL ask for it on the terminal.
int NoPassphrase(char*, int, int, void*) { return -1; }

absl::StatusOr<std::string> ReadFile(const std::string& name, const std::string& path) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::string text(kMaxFileBytes + 1, '\0');
  if (file) file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!file.eof() && !file) {
    return absl::NotFoundError(
        absl::StrCat(name, " ", path, " cannot be read: ", errno != 0 ? std::strerror(errno) : "it is no file"));
  }
  text.resize(static_cast<size_t>(file.gcount()));
  if (text.size() > kMaxFileBytes) return absl::InvalidArgumentError(absl::StrCat(name, " ", path, " is too large"));
  return text;
}

std::unique_ptr<X509, Free> FirstCertificate(const std::string& text) {
  const std::unique_ptr<BIO, Free> bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  return std::unique_ptr<X509, Free>(PEM_read_bio_X509(bio.get(), nullptr, NoPassphrase, nullptr));
}

std::unique_ptr<EVP_PKEY, Free> PrivateKey(const std::string& text) {
  const std::unique_ptr<BIO, Free> bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  return std::unique_ptr<EVP_PKEY, Free>(PEM_read_bio_PrivateKey(bio.get(), nullptr, NoPassphrase, nullptr));
}

absl::Status Check(const PemPaths& paths, const PemTexts& texts) {
  const auto cert = FirstCertificate(texts.cert);
  if (cert == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat("--", paths.flag, "-cert ", paths.cert, " holds no certificate (PEM)"));
  }
  const auto key = PrivateKey(texts.key);
  if (key == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat("--", paths.flag, "-key ", paths.key, " holds no private key (PEM, without passphrase)"));
  }
  if (X509_check_private_key(cert.get(), key.get()) != 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("--", paths.flag, "-key ", paths.key, " does not belong to the certificate in ", paths.cert));
  }
  if (!paths.ca.empty() && FirstCertificate(texts.ca) == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat("--", paths.flag, "-ca ", paths.ca, " holds no certificate (PEM)"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<PemTexts> ReadPem(const PemPaths& paths) {
  PemTexts texts;
  ASSIGN_OR_RETURN(texts.cert, ReadFile(absl::StrCat("--", paths.flag, "-cert"), paths.cert));
  ASSIGN_OR_RETURN(texts.key, ReadFile(absl::StrCat("--", paths.flag, "-key"), paths.key));
  if (!paths.ca.empty()) {
    ASSIGN_OR_RETURN(texts.ca, ReadFile(absl::StrCat("--", paths.flag, "-ca"), paths.ca));
  }
  ERR_clear_error();
  const absl::Status checked = Check(paths, texts);
  ERR_clear_error();
  RETURN_IF_ERROR(checked);
  return texts;
}

absl::StatusOr<std::optional<PemTexts>> PemWatch::Poll() {
  absl::StatusOr<PemTexts> texts = ReadPem(paths_);
  if (texts.ok()) {
    last_error_.clear();
    reported_ = false;
    if (*texts == serving_) return std::nullopt;
    serving_ = *texts;
    return std::optional<PemTexts>(*std::move(texts));
  }
  std::string error(FromAbsl(texts.status().message()));
  if (error != last_error_) {
    last_error_ = std::move(error);
    reported_ = false;
    return std::nullopt;
  }
  if (std::exchange(reported_, true)) return std::nullopt;
  return texts.status();
}

struct PemReload::State : std::enable_shared_from_this<State> {
  State(boost::asio::io_context& context, PemWatch w, Take t, const Logger& l)
      : watch(std::move(w)), take(std::move(t)), logger(l), timer(context) {}

  void Later() {
    timer.expires_after(kPollInterval);
    timer.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
      if (error || self->ended) return;
      self->Now();
      self->Later();
    });
  }

  void Now() {
    const absl::StatusOr<std::optional<PemTexts>> texts = watch.Poll();
    absl::Status status = texts.status();
    if (status.ok() && *texts) status = take(**texts);
    if (!status.ok()) {
      logger.Error("a changed certificate is not taken; the last one goes on", {{"error", FromAbsl(status.message())}});
    } else if (*texts) {
      logger.Info("certificate taken", {{"file", watch.paths().cert}});
    }
  }

  PemWatch watch;
  const Take take;
  const Logger& logger;
  boost::asio::steady_timer timer;
  bool ended = false;
};

PemReload::PemReload(boost::asio::io_context& context, PemWatch watch, Take take, const Logger& logger)
    : state_(std::make_shared<State>(context, std::move(watch), std::move(take), logger)) {
  state_->Later();
}

PemReload::~PemReload() {
  state_->ended = true;
  state_->timer.cancel();
}

}  // namespace chain429
