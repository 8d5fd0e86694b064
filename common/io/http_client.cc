#include "common/io/http_client.h"

#include <optional>
#include <type_traits>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/base/text.h"

namespace chain429 {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;

absl::Status CallError(const HttpCall& call, const error_code& error) {
  const std::string where =
      absl::StrCat(call.method, call.tls ? " https://" : " http://", call.address.ToString(), call.target);
  if (error == beast::error::timeout) {
    return absl::DeadlineExceededError(absl::StrCat(where, ": no answer within ", HumanDuration(call.timeout)));
  }
  return absl::UnavailableError(absl::StrCat(where, ": ", error.message()));
}

std::string RequestBytes(const HttpCall& call) {
  std::string out = absl::StrCat(call.method, " ", call.target, " HTTP/1.1\r\nhost: ", call.address.ToString(),
                                 "\r\nconnection: close\r\n");
  for (const HttpField& field : call.headers) absl::StrAppend(&out, field.name, ": ", field.value, "\r\n");
  if (!call.body.empty() || call.method == "POST") absl::StrAppend(&out, "content-length: ", call.body.size(), "\r\n");
  return absl::StrCat(out, "\r\n", call.body);
}

using PlainStream = beast::tcp_stream;
using TlsStream = asio::ssl::stream<beast::tcp_stream>;

// The steps of one call, each started by the one before; the io_context runs until none is left.
template <typename Stream>
class Exchange {
 public:
  template <typename... Arguments>
  explicit Exchange(const HttpCall& call, Arguments&... arguments) : call_(call), stream_(arguments...) {
    parser_.body_limit(call.max_body_bytes);
    parser_.skip(call.method == "HEAD");
  }

  void Start(const tcp::resolver::results_type& endpoints) {
    Lowest().expires_after(absl::ToChronoNanoseconds(call_.timeout));
    Lowest().async_connect(endpoints, [this](const error_code& error, const tcp::endpoint&) {
      if (error) {
        error_ = error;
      } else {
        Shake();
      }
    });
  }

  const error_code& error() const { return error_; }
  HttpResponse Take() {
    HttpResponse out;
    out.status = static_cast<int>(parser_.get().result_int());
    out.content_type.clear();
    for (const auto& field : parser_.get()) {
      out.headers.push_back({LowerAscii(std::string_view(field.name_string().data(), field.name_string().size())),
                             std::string(field.value().data(), field.value().size())});
      if (out.headers.back().name == "content-type") out.content_type = out.headers.back().value;
    }
    out.body = std::move(parser_.get().body());
    return out;
  }

 private:
  beast::tcp_stream& Lowest() {
    if constexpr (std::is_same_v<Stream, TlsStream>) {
      return stream_.next_layer();
    } else {
      return stream_;
    }
  }

  void Shake() {
    if constexpr (std::is_same_v<Stream, TlsStream>) {
      stream_.async_handshake(asio::ssl::stream_base::client, [this](const error_code& error) {
        if (error) {
          error_ = error;
        } else {
          Write();
        }
      });
    } else {
      Write();
    }
  }

  void Write() {
    request_ = RequestBytes(call_);
    asio::async_write(stream_, asio::buffer(request_), [this](const error_code& error, size_t) {
      // A server that refuses early may answer before it has read all.
      if (error && error != asio::error::broken_pipe && error != asio::error::connection_reset) {
        error_ = error;
      } else {
        Read();
      }
    });
  }

  void Read() {
    http::async_read(stream_, buffer_, parser_, [this](const error_code& error, size_t) {
      // A server may close without saying goodbye in TLS; HTTP's framing has told whether its answer is whole.
      if (error != asio::ssl::error::stream_truncated || !parser_.is_done()) error_ = error;
    });
  }

  const HttpCall& call_;
  Stream stream_;
  beast::flat_buffer buffer_;
  http::response_parser<http::string_body> parser_;
  std::string request_;
  error_code error_;
};

template <typename Stream, typename... Arguments>
absl::StatusOr<HttpResponse> Run(asio::io_context& context, const HttpCall& call,
                                 const tcp::resolver::results_type& endpoints, Arguments&... arguments) {
  Exchange<Stream> exchange(call, context, arguments...);
  exchange.Start(endpoints);
  context.run();
  if (exchange.error()) return CallError(call, exchange.error());
  return exchange.Take();
}

}  // namespace

absl::StatusOr<HttpResponse> CallHttp(const HttpCall& call) {
  asio::io_context context(1);
  error_code error;
  // Resolving blocks; for literals, which these calls mostly name, it does not leave the process.
  tcp::resolver resolver(context);
  const auto endpoints =
      resolver.resolve(call.address.host, absl::StrCat(call.address.port), tcp::resolver::numeric_service, error);
  if (error) return CallError(call, error);
  if (!call.tls) return Run<PlainStream>(context, call, endpoints);
  asio::ssl::context tls(asio::ssl::context::tls_client);
  return Run<TlsStream>(context, call, endpoints, tls);
}

}  // namespace chain429
