#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/base/ids.h"
#include "common/model/pool.h"
#include "common/model/settlement.h"
#include "common/model/snapshot.h"

// Generated types are only named here; who uses their members includes the generated header.
namespace chain429::v1 {
class ChargeRule;
class CreditRates;
class Limit;
class Pool;
class Reading;
class Snapshot;
enum Closure : int;
enum Provenance : int;
enum WindowKind : int;
enum ErrorClass : int;
enum Scope : int;
enum Unit : int;
enum WindowKind : int;
}  // namespace chain429::v1

// Model ↔ generated types. Encoding cannot fail. Decoding trusts nothing: numbers of enums, signs, sizes, indexes; an
// error is InvalidArgument and begins with the path of what is wrong ("providers[0].limits[2].window_ns: …").
namespace chain429::wire {

void Encode(const Limit& limit, v1::Limit* out);
absl::StatusOr<Limit> Decode(const v1::Limit& in);

void Encode(const ChargeRule& rule, v1::ChargeRule* out);
absl::StatusOr<ChargeRule> Decode(const v1::ChargeRule& in);

void Encode(const CreditRates& rates, v1::CreditRates* out);
absl::StatusOr<CreditRates> Decode(const v1::CreditRates& in);

void Encode(const Pool& pool, v1::Pool* out);
absl::StatusOr<Pool> Decode(const v1::Pool& in);

void Encode(const Reading& reading, v1::Reading* out);
absl::StatusOr<Reading> Decode(const v1::Reading& in);

v1::Unit EncodeUnit(Unit unit);
v1::WindowKind EncodeWindowKind(WindowKind kind);
v1::Closure EncodeClosure(Closure closure);
v1::Provenance EncodeProvenance(Provenance provenance);
v1::WindowKind EncodeWindowKind(WindowKind kind);
absl::StatusOr<Closure> DecodeClosure(int wire);
v1::ErrorClass EncodeErrorClass(ErrorClass error_class);
absl::StatusOr<ErrorClass> DecodeErrorClass(int wire);
v1::Scope EncodeScope(Scope scope);
absl::StatusOr<Scope> DecodeScope(int wire);

// Keys are included: the bytes may go over loopback, a Unix socket or mutual TLS only. The version travels beside the
// snapshot.
void Encode(const Snapshot& snapshot, v1::Snapshot* out);
// Not indexed yet; version unset.
absl::StatusOr<Snapshot> Decode(const v1::Snapshot& in);

// The same as bytes: what SnapshotPiece::data carries, in slices.
std::string SerializeSnapshot(const Snapshot& snapshot);
// Decoded, indexed, with `version`: ready to be served.
absl::StatusOr<Snapshot> ParseSnapshot(std::string_view bytes, Version version);

// "https://host:8443/v1" ↔ Endpoint. The Host header leaves out the scheme's own port.
std::string BaseUrl(const Endpoint& endpoint);
absl::StatusOr<Endpoint> ParseBaseUrl(std::string_view url);

}  // namespace chain429::wire
