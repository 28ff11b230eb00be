//! The whole story in the terminal, in memory and on a clock of its own: a code is issued, previewed and applied,
//! months pass, the site falls short and is halted, is recharged and runs again, and its statement verifies.
//!
//! Every step is an event that goes to the function's own handler.

use super::engine::{Engine, EngineError};
use super::functions::{Functions, InvokeError};
use super::gateway::Call;
use super::seed::{self, ADMINISTRATOR, Demonstration, SeedError};
use super::template::{self, Route, TABLE_NAME, TemplateError};
use super::verify::{Table, VerifyError, verify};
use axum::body::Bytes;
use axum::http::HeaderMap;
use jiff::Timestamp;
use serde_json::{Value, json};
use site_credits::domain::code::InvalidSecrets;
use site_credits::domain::identity::SiteId;
use std::collections::BTreeMap;
use std::io::Write;

/// When the story begins. The gym's devices are registered on that day: their anchor day is the 31st.
const BEGINNING: &str = "2027-01-31T08:00:00Z";

/// The story could not be told to its end.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The engine could not be opened.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The demonstration could not be made.
    #[error(transparent)]
    Seed(#[from] SeedError),
    /// The local secrets could not be read.
    #[error(transparent)]
    Secrets(#[from] InvalidSecrets),
    /// A function failed.
    #[error(transparent)]
    Invoke(#[from] InvokeError),
    /// The template could not be read.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// The table could not be read.
    #[error(transparent)]
    Verify(#[from] VerifyError),
    /// A step led somewhere else.
    #[error("{0}")]
    Unexpected(String),
    /// The terminal is gone.
    #[error("the story could not be written")]
    Terminal(#[from] std::io::Error),
}

/// Tells the story.
///
/// # Errors
/// A step failed, or led somewhere else than it should.
pub async fn tell(out: &mut impl Write) -> Result<(), DemoError> {
    let engine = Engine::in_memory()?;
    let beginning = instant(BEGINNING)?;
    let Demonstration {
        dynamic_site,
        codes,
        ..
    } = seed::demonstration(&engine.store(), beginning).await?;
    let mut story = Story {
        functions: Functions::over(&engine)?,
        routes: template::routes()?,
        site: dynamic_site,
        now: beginning,
    };
    let code = |number: usize| {
        codes
            .get(number)
            .map(ToString::to_string)
            .unwrap_or_default()
    };
    let mut say = |text: &str| writeln!(out, "{text}");
    say(&format!(
        "1. The partner acme issued {} codes of 100 credits. One of them: {}",
        codes.len(),
        code(0)
    ))?;

    let license = story.license().await?;
    say(&format!(
        "2. Harbour Gym registered three devices on 31 January.\n   {}",
        line(&license)
    ))?;

    let body = json!({ "code": code(0).to_lowercase().replace('-', " "), "recharge": "credits" });
    let preview = story
        .call("POST", "license/preview", Some(body), 200)
        .await?;
    say(&format!(
        "3. Preview, typed in small letters: credits {} -> {}. Nothing has changed yet.",
        preview["before"]["balances"]["credits"], preview["after"]["balances"]["credits"]
    ))?;
    let mistyped = code(0).replacen(|c: char| c.is_ascii_digit(), "Z", 1);
    let problem = story
        .call(
            "POST",
            "license/redemptions",
            Some(json!({ "code": mistyped })),
            422,
        )
        .await?;
    say(&format!(
        "4. One symbol mistyped: {}, without a read of the table.",
        problem["code"]
    ))?;

    story.deduct("2027-02-28T00:00:00Z").await?;
    let halted = story.license().await?;
    say(&format!(
        "5. 28 February, the last day of a shorter month: three credits are due, one is there.\n   {}",
        line(&halted)
    ))?;
    expect(
        halted["status"] == "payment_required",
        "the site should be halted",
    )?;

    let done = story
        .call(
            "POST",
            "license/redemptions",
            Some(json!({ "code": code(0) })),
            201,
        )
        .await?;
    say(&format!(
        "6. The code is applied: what is overdue is paid, and the site runs again.\n   {}",
        line(&done["license"])
    ))?;
    expect(
        done["license"]["status"] == "activated",
        "the site should run again",
    )?;

    let problem = story
        .call(
            "POST",
            "license/redemptions",
            Some(json!({ "code": code(0) })),
            409,
        )
        .await?;
    say(&format!(
        "7. The same code again: {}, as entry {}.",
        problem["code"], problem["entry"]
    ))?;

    story
        .call(
            "POST",
            "sms/redemptions",
            Some(json!({ "code": code(1) })),
            201,
        )
        .await?;
    let report = story.deduct("2027-05-31T12:00:00Z").await?;
    let license = story.license().await?;
    say(&format!(
        "8. A second code became 5,000 SMS. The scheduler slept until 31 May and charged {} due dates in one run.\n   {}",
        report["due_dates"],
        line(&license)
    ))?;
    let again = story.deduct("2027-05-31T12:00:00Z").await?;
    expect(again["sites"] == 0, "nothing should be charged twice")?;
    say("   Run again, it charged nothing.")?;

    say("9. The statement:")?;
    let statement = story.call("GET", "license/statement", None, 200).await?;
    for entry in statement["entries"].as_array().into_iter().flatten() {
        let (kind, balances, hash) = (
            &entry["kind"],
            &entry["balances"],
            entry["hash"].as_str().unwrap_or_default(),
        );
        let at = entry["at"]
            .as_str()
            .unwrap_or_default()
            .split('T')
            .next()
            .unwrap_or_default();
        say(&format!(
            "   {:>2}  {at}  {:<20} {:>+6} credits {:>+6} SMS   = {:>4} credits {:>5} SMS   {}…",
            number(&entry["sequence"]),
            kind.as_str().unwrap_or_default(),
            number(&entry["changes"]["credits"]),
            number(&entry["changes"]["sms"]),
            number(&balances["credits"]),
            number(&balances["sms"]),
            hash.get(..8).unwrap_or_default()
        ))?;
    }
    let findings = verify(&Table::over(engine.client(), TABLE_NAME)).await?;
    say(&format!("10. The proof, from the table alone:\n{findings}"))?;
    expect(
        findings.violations.is_empty(),
        "there should be no violation",
    )
}

struct Story {
    functions: Functions,
    routes: Vec<Route>,
    site: SiteId,
    now: Timestamp,
}

impl Story {
    async fn license(&self) -> Result<Value, DemoError> {
        self.call("GET", "license", None, 200).await
    }

    async fn deduct(&mut self, at: &str) -> Result<Value, DemoError> {
        self.now = instant(at)?;
        let event = json!({ "scheduled_time": self.now });
        Ok(self.functions.invoke("deduct-monthly", event).await?)
    }

    async fn call(
        &self,
        method: &str,
        rest: &str,
        body: Option<Value>,
        status: u64,
    ) -> Result<Value, DemoError> {
        let path = format!("/sites/{}/{rest}", self.site);
        let matched = self
            .routes
            .iter()
            .find_map(|route| Some((route, route.matches(method, &path)?)));
        let (route, parameters) =
            matched.ok_or_else(|| DemoError::Unexpected(format!("there is no route {path}")))?;
        let call = Call {
            route,
            parameters,
            path: &path,
            query: "",
            headers: &HeaderMap::new(),
            claims: BTreeMap::from([
                ("email".to_owned(), ADMINISTRATOR.to_owned()),
                ("email_verified".to_owned(), "true".to_owned()),
            ]),
            body: &Bytes::from(body.map(|body| body.to_string()).unwrap_or_default()),
            now: self.now,
        };
        let answer = self.functions.invoke(&route.function, call.event()).await?;
        let text = answer["body"].as_str().unwrap_or_default();
        expect(
            answer["statusCode"] == status,
            &format!("{method} {path} answered {} {text}", answer["statusCode"]),
        )?;
        serde_json::from_str(text).map_err(|error| DemoError::Unexpected(error.to_string()))
    }
}

fn line(license: &Value) -> String {
    format!(
        "{}: {} credits, {} SMS, covered until {}, {} credits overdue",
        license["status"].as_str().unwrap_or_default(),
        license["balances"]["credits"],
        license["balances"]["sms"],
        license["forecast"]["covered_until"]
            .as_str()
            .unwrap_or("further notice"),
        license["overdue"]["credits"]
    )
}

fn number(value: &Value) -> i64 {
    value.as_i64().unwrap_or_default()
}

fn instant(text: &str) -> Result<Timestamp, DemoError> {
    text.parse()
        .map_err(|error: jiff::Error| DemoError::Unexpected(error.to_string()))
}

fn expect(right: bool, otherwise: &str) -> Result<(), DemoError> {
    if right {
        Ok(())
    } else {
        Err(DemoError::Unexpected(otherwise.to_owned()))
    }
}
