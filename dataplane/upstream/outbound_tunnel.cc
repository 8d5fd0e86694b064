#include "dataplane/upstream/outbound_tunnel.h"

#include "absl/strings/str_cat.h"
#include "common/base/text.h"
#include "common/http/head.h"

namespace chain429 {

Task<std::string> OpenTunnel(ConnectionPtr connection, const OutboundProxy* proxy, std::string authority) {
  std::string request = absl::StrCat("CONNECT ", authority, " HTTP/1.1\r\nHost: ", authority, "\r\n");
  if (!proxy->authorization.empty())
    absl::StrAppend(&request, "Proxy-Authorization: ", proxy->authorization.Reveal(), "\r\n");
  request.append("\r\n");
  auto write = connection->Write(request);
  const bool written = co_await write;
  if (!written) co_return absl::StrCat("the proxy ", proxy->name, " closed the connection");
  ResponseHead answer;
  for (;;) {
    const ParseResult parsed = ParseResponseHead(connection->input(), answer);
    if (parsed.state == ParseState::kBad)
      co_return absl::StrCat("the proxy ", proxy->name, " answered no HTTP: ", ToAbsl(parsed.reason));
    if (parsed.state == ParseState::kDone && answer.status >= 300)
      co_return absl::StrCat("the proxy ", proxy->name, " refused the tunnel: ", answer.status, " ",
                             Truncate(answer.reason, 100));
    if (parsed.state == ParseState::kDone) {
      connection->Consume(parsed.consumed);
      if (answer.status < 200) continue;
      // In TLS the client speaks first: whatever has come already is not the provider's.
      if (!connection->input().empty()) co_return absl::StrCat("the proxy ", proxy->name, " sent more than its answer");
      co_return std::string();
    }
    const bool more = co_await connection->Fill();
    if (!more) co_return absl::StrCat("the proxy ", proxy->name, " closed the connection");
  }
}

}  // namespace chain429
