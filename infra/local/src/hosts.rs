//! Whose requests the local server answers. It trusts whoever reaches it, and any web page that a developer opens can
//! reach it: by sending a form to it, or under a host name of its own that it lets point to this machine (DNS
//! rebinding). The browser names that host, and the page's origin, and neither is this server's own.

use axum::Json;
use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// The names of this machine for itself.
const OWN_NAMES: [&str; 3] = ["127.0.0.1", "localhost", "[::1]"];
/// The port that a host without one has.
const HTTP_PORT: u16 = 80;

/// The hosts that are this server's own: the machine's names for itself, with the server's port.
#[derive(Clone, Copy, Debug)]
pub struct OwnHosts {
    port: u16,
}

impl OwnHosts {
    /// Those of a server that listens on a port.
    #[must_use]
    pub fn with_port(port: u16) -> Self {
        Self { port }
    }

    /// Whether a host, as it stands in a request, is one of them.
    fn contain(self, host: &str) -> bool {
        let (name, port) = match host.rsplit_once(':') {
            // The colon is not within the brackets of an IPv6 address.
            Some((name, port)) if !port.ends_with(']') => (name, port.to_owned()),
            _ => (host, HTTP_PORT.to_string()),
        };
        OWN_NAMES.iter().any(|own| name.eq_ignore_ascii_case(own)) && port == self.port.to_string()
    }
}

/// Answers a request only if it names one of this server's own hosts.
pub(crate) async fn host(State(own): State<OwnHosts>, request: Request, next: Next) -> Response {
    let hosts = request.headers().get_all(header::HOST).iter().map(text);
    let target = request.uri().authority().map(Authority::as_str);
    let hosts: Vec<&str> = hosts.chain(target).collect();
    if !hosts.is_empty() && hosts.iter().all(|host| own.contain(host)) {
        return next.run(request).await;
    }
    let names = OWN_NAMES.join(", ");
    refused(&format!(
        "This server answers only requests to its own host: one of {names}, with the port {}.",
        own.port
    ))
}

/// Answers a request only if it comes from no web page, or from one of this server's own.
pub(crate) async fn origin(State(own): State<OwnHosts>, request: Request, next: Next) -> Response {
    let mut origins = request.headers().get_all(header::ORIGIN).iter().map(text);
    let is_own = |origin: &str| {
        origin
            .strip_prefix("http://")
            .is_some_and(|host| own.contain(host))
    };
    if origins.all(is_own) {
        return next.run(request).await;
    }
    refused("The local routes answer no web page of another origin.")
}

/// A header's value; what is not text is nobody's host or origin.
fn text(value: &HeaderValue) -> &str {
    value.to_str().unwrap_or_default()
}

fn refused(text: &str) -> Response {
    (StatusCode::FORBIDDEN, Json(json!({ "message": text }))).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_own_by_name_and_port() {
        let (own, plain) = (OwnHosts::with_port(3000), OwnHosts::with_port(80));
        for host in [
            "127.0.0.1:3000",
            "localhost:3000",
            "LocalHost:3000",
            "[::1]:3000",
        ] {
            assert!(own.contain(host), "{host}");
        }
        for host in ["127.0.0.1", "localhost", "[::1]", "[::1]:80"] {
            assert!(plain.contain(host), "{host}");
        }
        for host in [
            "",
            ":3000",
            "localhost",
            "[::1]",
            "localhost:",
            "localhost:3001",
            "localhost:03000",
            "localhost.example:3000",
            "127.0.0.1.example:3000",
            "127.0.0.1:3000:3000",
            "evil@127.0.0.1:3000",
            "192.168.0.1:3000",
        ] {
            assert!(!own.contain(host), "{host}");
        }
    }
}
