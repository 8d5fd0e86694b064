#pragma once

#include <boost/intrusive/list.hpp>
#include <functional>
#include <memory>

#include "dataplane/request/context.h"
#include "dataplane/request/responder.h"

namespace chain429 {

using SessionHook = boost::intrusive::list_base_hook<boost::intrusive::tag<struct SessionTag>,
                                                     boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;

// One client connection: reads requests one after the other, refuses what is malformed, routes the rest. While a
// request is being answered the connection is still watched, so that a client that leaves is noticed at once. Belongs
// to its worker's loop; owns itself until the end.
class Session final : public PeerWatcher, public Deadline, public SessionHook {
 public:
  using List = boost::intrusive::list<Session, boost::intrusive::base_hook<SessionHook>,
                                      boost::intrusive::constant_time_size<false>>;

  // Takes over an accepted socket and lives in `sessions` until the connection ends, which `ended` is told.
  static void Start(WorkerContext& worker, Socket socket, List& sessions, std::function<void()> ended = {});
  ~Session() override;

  void OnPeerEvent() override;
  void OnWriteWaits() override;
  void OnWriteOver() override { ClearDeadline(); }
  void OnDeadline() override;
  // Ends the connection: at once when it waits for a request, else after the answer under way.
  void EndSoon();
  void Abort();

 private:
  enum class Body : uint8_t { kRead, kRefused, kLost };
  Session(WorkerContext& worker, Socket socket, std::function<void()> ended);
  static Detached Run(std::unique_ptr<Session> self);
  Task<bool> Serve();                // until the connection ends
  Task<bool> StartTls();             // false: the connection ends
  Task<bool> ReadHead();             // false: the connection ends
  Task<bool> RefuseHead(int status, std::string_view reason);
  Task<bool> Handle();               // false: the connection cannot be used further
  Task<Body> ReadBody();
  Task<bool> Chat(const ClientKey* key, std::shared_ptr<RouteTable> routes);
  Task<bool> Capacity(const ClientKey* key, RouteTable& routes, std::string_view path);
  Task<bool> Models(const ClientKey* key, const RouteTable& routes, std::string_view path);
  Task<bool> WrongMethod(std::string_view allow);
  void Note();                       // a request has ended: its line in the log, and what is counted of it
  Task<bool> Linger();               // lets the client read a refusal before the connection closes

  WorkerContext& worker_;
  const std::function<void()> ended_;
  ConnectionPtr connection_;
  Responder client_;
  const std::string peer_;
  RequestHead head_;
  size_t head_size_ = 0;
  size_t body_size_ = 0;             // payload, framing taken out
  bool body_read_ = false;
  bool between_requests_ = true;
  bool busy_ = false;                // an answer is being made
};

}  // namespace chain429
