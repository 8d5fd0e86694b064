#pragma once

#include <sys/uio.h>

#include <array>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>
#include <coroutine>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "dataplane/net/task.h"

typedef struct ssl_st SSL;

namespace chain429 {

class TlsClientContext;
class TlsSessions;

using Socket = boost::asio::basic_stream_socket<boost::asio::ip::tcp, boost::asio::io_context::executor_type>;

// Told when the peer sends or closes while nobody awaits it: a client that goes away in the middle of its request, an
// idle upstream connection that dies.
class PeerWatcher {
 public:
  virtual ~PeerWatcher() = default;
  virtual void OnPeerEvent() = 0;
  // A write waits for the peer to take more: at its start, and after each part that it took; then once it is over.
  virtual void OnWriteWaits() {}
  virtual void OnWriteOver() {}
};

enum class TlsStart;

enum class IoEnd : uint8_t { kOpen, kEof, kError };

// A TCP connection, plain or TLS, with one input buffer. Belongs to one loop. At any time one read may be under way,
// also while nobody waits: that costs no system call beyond those of a read that is awaited, and it is how a peer's
// closing is noticed. Writes go out at once where the socket takes them. Every wait ends when Abort is called.
class Connection : public boost::intrusive_ref_counter<Connection, boost::thread_unsafe_counter> {
 public:
  static constexpr size_t kFirstCapacity = 8 * 1024;
  static constexpr size_t kPadding = 64;  // readable bytes behind the input, for simdjson
  // Below it malloc keeps the memory anyway, and another read would cost more than is gained.
  static constexpr size_t kVeryLarge = 128 * 1024;

  explicit Connection(Socket socket);
  ~Connection();

  // ---- input ----
  std::string_view input() const { return {buffer_.get() + begin_, end_ - begin_}; }
  char* input_data() { return buffer_.get() + begin_; }
  // The first `n` bytes of the input are done with.
  void Consume(size_t n);
  // The input from `offset` on is replaced by its part [from, input().size()): payload was compacted in place.
  // REQUIRES: !reading().
  void Cut(size_t offset, size_t from);
  // Room for `total` bytes of input, counted from its first byte. May move it. REQUIRES: !reading().
  void Reserve(size_t total);
  // Gives memory back when the input is empty and the buffer large. A read that is under way is begun anew for it, but
  // only for a very large one.
  void Shrink();
  size_t capacity() const { return capacity_; }
  // Puts a read under way unless one is. May move the input if it is full.
  void StartReading();
  bool reading() const { return reading_; }
  bool HasRoom() const { return end_ < capacity_; }
  IoEnd end() const { return end_state_; }

  // Ready when bytes have come since the last Fill, or the peer has ended: true for bytes.
  struct FillAwaiter {
    Connection& connection;
    bool await_ready();
    void await_suspend(std::coroutine_handle<> handle) { connection.reader_ = handle; }
    bool await_resume();
  };
  FillAwaiter Fill() { return FillAwaiter{*this}; }

  // Ends the read that is under way, so that the input can be moved; what had come stays in the input. Nobody may be
  // waiting for that read. Over TLS no memory is lent to a read, and nothing is done.
  struct PauseAwaiter {
    Connection& connection;
    bool await_ready() const { return !connection.reading_ || connection.ssl_ != nullptr; }
    void await_suspend(std::coroutine_handle<> handle);
    void await_resume() const {}
  };
  PauseAwaiter PauseReading() { return PauseAwaiter{*this}; }

  void set_watcher(PeerWatcher* watcher) { watcher_ = watcher; }
  // Nothing has come that nobody asked for, and the peer has not ended: also not in this turn of the loop, which has
  // not told yet. Costs a system call. REQUIRES: the input is empty.
  bool StillQuiet();

  // ---- output ----
  // Writes everything or fails: true when all went out. The bytes must stay valid until then.
  static constexpr size_t kMaxSlices = 8;
  struct WriteAwaiter {
    Connection& connection;
    std::array<iovec, kMaxSlices> slices;
    size_t count = 0;
    size_t first = 0;
    bool failed = false;
    std::coroutine_handle<> handle;
    bool await_ready() { return Advance(); }
    void await_suspend(std::coroutine_handle<> waiting);
    bool await_resume() const { return !failed; }
    bool Advance();  // true: finished, well or not
    void Add(std::string_view view) {
      if (!view.empty()) slices[count++] = {const_cast<char*>(view.data()), view.size()};
    }
  };
  // Up to kMaxSlices views, sent with one gather write.
  template <typename... Views>
  WriteAwaiter Write(const Views&... views) {
    WriteAwaiter awaiter{*this, {}, 0, 0, false, {}};
    (awaiter.Add(std::string_view(views)), ...);
    return awaiter;
  }

  // Writes what goes out at once, without waiting: how many bytes those were, or nothing if the connection has failed.
  // What is left must be written next. REQUIRES: no Write is under way.
  std::optional<size_t> WriteSome(std::string_view bytes);

  // ---- life ----
  // Connects to an address; an empty string is success, else the reason.
  Task<std::string> Connect(boost::asio::ip::tcp::endpoint endpoint);
  // TLS handshake as a client, certificate verified for `host`. Empty: success. `sessions`, if any, are the host's: one
  // is offered to be resumed, and new ones are kept there.
  Task<std::string> StartTls(const TlsClientContext* context, std::string host, TlsSessions* sessions = nullptr);
  bool tls_resumed() const;
  // TLS handshake as a server; takes `ssl` over. kPlainHttp: the connection goes on as a plain one.
  Task<TlsStart> AcceptTls(SSL* ssl);
  // Closes at once; whatever waits wakes with a failure.
  void Abort();
  // Says that nothing more will be sent (FIN), before a close that must not turn unread input into a reset.
  void ShutdownSend();
  bool aborted() const { return aborted_; }
  Socket& socket() { return socket_; }

 private:
  friend struct WriteAwaiter;
  struct ReadyAwaiter;
  using Ptr = boost::intrusive_ptr<Connection>;
  void OnRead(const boost::system::error_code& error, size_t bytes);
  void ReadTls();
  void FinishRead(size_t bytes, IoEnd end);
  void MakeRoom();
  ssize_t SendSlices(const iovec* slices, size_t count);

  Socket socket_;
  std::unique_ptr<char[]> buffer_;
  size_t capacity_ = 0;
  size_t begin_ = 0;
  size_t end_ = 0;
  size_t arrived_ = 0;  // bytes since the last Fill
  bool reading_ = false;
  bool shrinking_ = false;  // the read under way was cancelled for it
  bool aborted_ = false;
  IoEnd end_state_ = IoEnd::kOpen;
  std::coroutine_handle<> reader_;
  std::coroutine_handle<> pausing_;
  PeerWatcher* watcher_ = nullptr;
  SSL* ssl_ = nullptr;
};

using ConnectionPtr = boost::intrusive_ptr<Connection>;

}  // namespace chain429
