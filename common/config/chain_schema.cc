#include "common/config/chain_schema.h"

#include <array>
#include <string>
#include <utility>

#include "common/config/limit_schema.h"
#include "common/config/model_name.h"

namespace chain429 {
namespace {

constexpr int64_t kMostAttempts = 1000;
constexpr int64_t kHighestTier = 1000;

ConfigReference ReadReference(const ConfigMember& member, const ConfigPlace& place, std::optional<std::string> name) {
  return {std::move(name).value_or(""), member.value.at, place.path};
}

TargetConfig ReadTarget(const ConfigNode& item, const ConfigPlace& place, const ValueReader& read) {
  TargetConfig target;
  target.at = item.at;
  target.path = place.path;
  ConfigFields fields(item, place, read);
  const ConfigMember* provider = fields.TakeValue("provider");
  const ConfigMember* model = fields.TakeValue("model");
  const ConfigMember* chain = fields.TakeValue("chain");
  const auto where = [&](const ConfigMember& member) { return place.Key(member); };
  if (provider != nullptr)
    target.provider = ReadReference(*provider, where(*provider), read.String(provider->value, where(*provider)));
  if (model != nullptr) target.model = ReadReference(*model, where(*model), ReadModelName(*model, where(*model), read));
  if (chain != nullptr) target.chain = ReadReference(*chain, where(*chain), read.String(chain->value, where(*chain)));
  target.limits = ReadLimits(fields);
  target.enabled = fields.Bool("enabled").value_or(true);
  const std::optional<int64_t> tier = fields.Integer("tier", 0, kHighestTier);
  const ConfigMember* tier_member = fields.Take("tier");
  if (tier.value_or(0) != 0) read.Error(tier_member->key_at, where(*tier_member), NotSupportedYet("tiers"));
  fields.Finish();
  if (!fields.valid()) return target;
  if (chain != nullptr) {
    for (const ConfigMember* other : {provider, model, item.Find("limits"), tier_member}) {
      if (other != nullptr) read.Error(other->key_at, where(*other), "does not go together with \"chain\"");
    }
  } else if (model == nullptr && provider != nullptr) {
    read.Error(place.at, place, "\"model\" is missing");
  } else if (model == nullptr) {
    read.Error(place.at, place, "a target is {provider, model}, {model} or {chain}");
  }
  return target;
}

class ChainReader {
 public:
  ChainReader(const ConfigMember& member, const ConfigPlace& place, const ValueReader& read)
      : read_(read), fields_(member.value, place, read) {
    chain_.name = member.key;
    chain_.at = member.key_at;
    chain_.path = place.path;
  }

  ChainConfig Read() {
    ReadAliases();
    ReadTargets();
    ReadRouting();
    chain_.max_attempts =
        static_cast<int>(fields_.Integer("max_attempts", 1, kMostAttempts).value_or(chain_.max_attempts));
    ReadTimeouts();
    chain_.wait = fields_.Duration("wait", true).value_or(chain_.wait);
    ReadCache();
    fields_.Finish();
    return std::move(chain_);
  }

 private:
  void ReadAliases() {
    const ConfigMember* member = fields_.Take("aliases");
    if (member == nullptr) return;
    const ConfigPlace place = fields_.place().Key(*member);
    if (!read_.IsSequence(member->value, place)) return;
    for (size_t i = 0; i < member->value.items.size(); ++i) {
      const ConfigNode& item = member->value.items[i];
      const ConfigPlace item_place = place.Index(i, item);
      const std::optional<std::string> name = read_.String(item, item_place);
      if (name && CheckModelName(*name, item.at, item_place, read_))
        chain_.aliases.push_back({*name, item.at, item_place.path});
    }
  }

  void ReadTargets() {
    const ConfigMember* member = fields_.Require("targets");
    if (member == nullptr) return;
    const ConfigPlace place = fields_.place().Key(*member);
    if (!read_.IsSequence(member->value, place)) return;
    if (member->value.items.empty()) read_.Error(member->value.at, place, "a chain needs at least one target");
    for (size_t i = 0; i < member->value.items.size(); ++i) {
      const ConfigNode& item = member->value.items[i];
      chain_.targets.push_back(ReadTarget(item, place.Index(i, item), read_));
    }
  }

  void ReadRouting() {
    constexpr std::array<std::string_view, 3> kRoutings = {"ordered", "fastest", "spread"};
    RefuseAllButFirst("routing", kRoutings, "this way of routing");
    constexpr std::array<std::string_view, 2> kBreaks = {"error", "continue"};
    RefuseAllButFirst("on_stream_break", kBreaks, "continuing a broken stream");
  }

  void RefuseAllButFirst(std::string_view key, std::span<const std::string_view> words, std::string_view what) {
    const std::optional<size_t> word = fields_.Choice(key, words);
    if (word.value_or(0) == 0) return;
    const ConfigMember* member = fields_.Take(key);
    read_.Error(member->value.at, fields_.place().Key(*member), NotSupportedYet(what));
  }

  void ReadTimeouts() {
    const ConfigMember* member = fields_.Take("timeouts");
    if (member == nullptr) return;
    ConfigFields timeouts(member->value, fields_.place().Key(*member), read_);
    Timeouts& out = chain_.timeouts;
    out.connect = timeouts.Duration("connect", false).value_or(out.connect);
    const std::optional<absl::Duration> first_token = timeouts.Duration("first_token", false);
    out.first_token_chosen = first_token.has_value();
    out.first_token = first_token.value_or(out.first_token);
    out.idle = timeouts.Duration("idle", false).value_or(out.idle);
    out.total = timeouts.Duration("total", false).value_or(out.total);
    out.keepalive = timeouts.Duration("keepalive", true).value_or(out.keepalive);
    timeouts.Finish();
  }

  void ReadCache() {
    const ConfigMember* member = fields_.Take("cache");
    if (member == nullptr) return;
    ConfigFields cache(member->value, fields_.place().Key(*member), read_);
    const std::optional<absl::Duration> ttl = cache.Duration("ttl", true);
    if (ttl.value_or(absl::ZeroDuration()) > absl::ZeroDuration()) {
      const ConfigMember* ttl_member = cache.Take("ttl");
      read_.Error(ttl_member->value.at, cache.place().Key(*ttl_member), NotSupportedYet("caching"));
    }
    cache.Finish();
  }

  const ValueReader& read_;
  ConfigFields fields_;
  ChainConfig chain_;
};

}  // namespace

std::vector<ChainConfig> ReadChains(const ConfigNode& node, const ConfigPlace& place, const ValueReader& read) {
  std::vector<ChainConfig> chains;
  if (!read.IsMapping(node, place)) return chains;
  for (const ConfigMember& member : node.members) {
    CheckSectionName(member, place, read);
    chains.push_back(ChainReader(member, place.Key(member), read).Read());
  }
  return chains;
}

}  // namespace chain429
