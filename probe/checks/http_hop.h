// The requests of one HTTP run, hop by hop: what goes where, and which redirect is followed. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "probe/net/aws_sigv4.h"
#include "probe/net/http_engine.h"
#include "probe/outcome.h"
#include "probe/secrets.h"
#include "proto/definition.pb.h"

namespace parallax {

// A request header, and whether it is a credential: one that goes only to the host it was written for.
struct HopHeader {
  std::string name, value;
  bool is_credential = false;
};

// Where a run is on its way through redirects.
class HopPlan {
 public:
  // The headers with their secrets read. Fails as Secrets::read does, and with probe_fault for a value that holds
  // a line break.
  static Step<HopPlan> begin(const proto::HttpCheck& check, const Secrets& secrets);

  const Url& url() const { return url_; }

  // The request for the hop under way, without what only the check knows (max_body). Signed for `now`, where it
  // is.
  HttpRequest request(WallTime now) const;

  // "shop.example:443", "[2001:db8::7]:443": of the hop under way, as a proxy is told.
  std::string host_and_port() const;

  // The header of the definition that goes to a proxy and to nobody else; empty for none.
  const std::string& proxy_authorization() const { return proxy_authorization_; }

  // Whether credentials may go to the hop under way: to the host name they were written for, and not over plain
  // http once the chain has been on https.
  bool may_have_credentials() const;

  // True when `answer` is a redirect: it says where to.
  static bool is_redirect(const HttpAnswer& answer);

  // Goes on to where the redirect leads. 301, 302 and 303 turn POST into GET (303 every method but HEAD); 307 and
  // 308 keep method and body. Fails with redirect_limit and protocol_error.
  Step<void> follow(const HttpAnswer& redirect);

  // Redirect answers received so far, the refused one too.
  int redirects() const { return redirects_; }

 private:
  HopPlan() = default;
  bool is_at_home() const;
  void sign(HttpRequest& request, WallTime now) const;

  Url url_;
  Url first_;
  std::string method_;
  std::optional<std::string> body_;
  bool lost_body_ = false;  // in a redirect
  std::vector<HopHeader> headers_;
  std::string proxy_authorization_;
  std::optional<AwsCredentials> aws_;
  std::string version_;
  std::vector<std::string> compression_;
  int redirects_ = 0;
  int most_redirects_ = 10;
  bool was_https_ = false;
};

}  // namespace parallax
