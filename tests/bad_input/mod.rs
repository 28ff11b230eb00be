//! Bad input: each the right problem, none a 500, and nothing changed.

mod bodies;
mod claims;
mod events;
mod headers;
mod members;
mod paths;
mod queries;

use crate::harness::{Call, System, license_of, redemption};
use crate::setup::{now, of};
use crate::shown::problems;
use serde_json::Value;
use site_credits::domain::values::ids::SiteId;

/// A system with a site and a code that could be applied to it.
struct Untouched {
    system: System,
    site: SiteId,
    code: String,
}

impl Untouched {
    async fn new() -> Self {
        let system = System::new();
        let site = system.dynamic().await;
        let code = system.codes(10, 0, 1, now()).await.remove(0);
        Self { system, site, code }
    }

    /// A redemption that would be carried out.
    fn good(&self) -> Call {
        redemption(&self.site, &self.code, now())
    }

    /// A redemption with another body.
    fn with_body(&self, body: &str) -> Call {
        let mut call = self.good();
        call.body = Some(body.to_owned());
        call
    }

    fn preview(&self, body: &Value) -> Call {
        Call::post(of(&self.site, "/license/preview"), body, now())
    }

    /// The problems that requests get, none of which changes the site's license.
    async fn problems(&self, calls: impl IntoIterator<Item = (&str, Call)>) -> String {
        let before = self.system.send(license_of(&self.site, now())).await;
        let problems = problems(&self.system, calls).await;
        let after = self.system.send(license_of(&self.site, now())).await;
        assert_eq!(after, before);
        problems
    }
}
