#include "tests/dst/worker.h"

#include <utility>

#include "tests/dst/proxy.h"

namespace chain429::dst {
namespace {

// From a post to its turn.
constexpr absl::Duration kShortestTurn = absl::Microseconds(2);
constexpr absl::Duration kLongestTurn = absl::Microseconds(30);

}  // namespace

Worker::Worker(Proxy& proxy, uint8_t index)
    : proxy_(proxy), index_(index), random_(proxy.world().Fork()), desk_(index), mail_timer_(proxy) {}

MonoTime Worker::now() const { return proxy_.mono(); }

void Worker::Post(World::Act act) { proxy_.PostIn(Between(random_, kShortestTurn, kLongestTurn), std::move(act)); }

void Worker::Deliver(LinkMail mail) {
  // Letters keep their order.
  proxy_.PostIn(kLongestTurn, [this, letter = std::make_shared<const LinkMail>(std::move(mail))] { OnMail(*letter); });
}

void Worker::OnMail(const LinkMail& mail) {
  if (mail.snapshot != nullptr) snapshot_ = mail.snapshot;
  for (const AcquireAnswer& answer : mail.answers) {
    if (answer.granted && answer.permit.id) proxy_.TellGranted(answer.permit);
  }
  desk_.OnMail(mail, now());
  OnDeskChanged();
}

void Worker::OnDeskChanged() {
  if (!mail_posted_ && desk_.mail_urgent()) {
    mail_posted_ = true;
    Post([this] {
      mail_posted_ = false;
      SendMail(false);
    });
  }
  const MonoTime next = desk_.NextDeadline();
  if (next != mail_at_ && next != MonoTime::Max()) {
    mail_at_ = next;
    mail_timer_.Set(next, [this] { OnMailTimer(); });
  }
}

void Worker::OnMailTimer() {
  mail_at_ = MonoTime::Max();
  desk_.OnTimer(now());
  SendMail(false);
  OnDeskChanged();
}

void Worker::SendMail(bool flush) {
  WorkerMail mail = desk_.TakeMail(now(), flush);
  if (!mail.empty()) proxy_.link().Submit(index_, std::move(mail));
}

const ProviderRules& Worker::RulesOf(const Provider& provider) { return proxy_.RulesOf(provider.catalogue_entry); }

}  // namespace chain429::dst
