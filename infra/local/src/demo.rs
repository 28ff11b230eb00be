//! The whole story in the terminal, from nothing, in memory and on a clock of its own: codes are issued, a site is
//! created, a code is previewed and applied, devices are registered, months pass, the site falls short and is halted, is
//! recharged and runs again, a code is voided, and the books are proved.
//!
//! Every step is an event that goes to the function's own handler.

use super::engine::{Engine, EngineError};
use super::functions::{Functions, InvokeError};
use super::gateway::Call;
use super::seed::{ADMINISTRATOR, PARTNER, SeedError};
use super::sns::Sns;
use super::template::{self, Route, TABLE_NAME, TemplateError};
use super::verify::{Table, VerifyError, verify};
use axum::body::Bytes;
use axum::http::HeaderMap;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::io::Write;

/// When the story begins. The gym's devices are registered on that day: their anchor day is the 31st.
const BEGINNING: &str = "2027-01-31T08:00:00Z";

/// The story could not be told to its end.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The engine could not be opened.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The functions could not be wired.
    #[error(transparent)]
    Seed(#[from] SeedError),
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
    let (engine, sns) = (Engine::in_memory()?, Sns::default());
    let mut story = Story {
        functions: Functions::over(&engine, &sns, "https://cards.example.com/")?,
        routes: template::routes()?,
        now: instant(BEGINNING)?,
    };
    let mut say = |text: &str| writeln!(out, "{text}");

    let (_, few) = story.issue(4, 2).await?;
    say(&format!(
        "1. The partner {PARTNER} issues two codes of 4 credits. One of them: {}",
        few[0]
    ))?;

    let gym = json!({ "name": "Harbour Gym", "country": "AT", "site_type": "dynamic" });
    let created = story.kim("POST", "/sites", Some(gym), 201).await?;
    let site = created["site"]["site_id"].as_str().unwrap_or_default();
    let site = format!("/sites/{site}");
    say(&format!(
        "2. Kim creates Harbour Gym, site {}, in Austria: {}, language {}. It pays by device.",
        text(&created["site"]["site_id"]),
        text(&created["site"]["time_zone"]),
        text(&created["site"]["language"])
    ))?;

    let path = format!("{site}/license/preview");
    let typed = few[0].to_lowercase().replace('-', " ");
    let body = json!({ "code": typed, "recharge": "credits" });
    let preview = story.kim("POST", &path, Some(body), 200).await?;
    say(&format!(
        "3. Preview, typed in small letters: credits {} -> {}. Nothing has changed yet.",
        preview["before"]["balances"]["credits"], preview["after"]["balances"]["credits"]
    ))?;
    let redemptions = format!("{site}/license/redemptions");
    let wrong = if few[0].starts_with('Z') { "Y" } else { "Z" };
    let body = json!({ "code": format!("{wrong}{}", few[0].get(1..).unwrap_or_default()) });
    let problem = story.kim("POST", &redemptions, Some(body), 422).await?;
    say(&format!(
        "4. One symbol mistyped: {}, without a read of the table.",
        problem["code"]
    ))?;

    let body = json!({ "code": few[0] });
    story
        .kim("POST", &redemptions, Some(body.clone()), 201)
        .await?;
    let doors = [1, 2, 3].map(|number| json!({ "name": format!("Door {number}") }));
    let devices = json!({ "devices": doors });
    let path = format!("{site}/devices");
    let registered = story.kim("POST", &path, Some(devices), 201).await?;
    say(&format!(
        "5. Applied, and three devices registered on 31 January, a credit each.\n   {}",
        line(&registered["license"])
    ))?;
    let problem = story.kim("POST", &redemptions, Some(body), 409).await?;
    say(&format!(
        "6. The same code again: {}, as entry {}.",
        problem["code"], problem["entry"]
    ))?;

    story.deduct("2027-02-28T00:00:00Z").await?;
    let license = format!("{site}/license");
    let halted = story.kim("GET", &license, None, 200).await?;
    say(&format!(
        "7. 28 February, the last day of a shorter month: three credits are due, one is there.\n   {}",
        line(&halted)
    ))?;
    expect(
        halted["status"] == "payment_required",
        "the site should be halted",
    )?;
    let path = format!("/partners/{PARTNER}/sites");
    let customers = story.partner("GET", &path, None, 200).await?;
    let customer = &customers["sites"][0];
    say(&format!(
        "8. The partner sees whom to call: {}, {}, {} credits a month.",
        text(&customer["site_name"]),
        text(&customer["status"]),
        customer["monthly_cost"]
    ))?;

    let (batch, many) = story.issue(100, 3).await?;
    let body = json!({ "code": many[0] });
    let done = story.kim("POST", &redemptions, Some(body), 201).await?;
    say(&format!(
        "9. It sells a code of 100 credits. Applied: what is overdue is paid, and the site runs again.\n   {}",
        line(&done["license"])
    ))?;
    expect(
        done["license"]["status"] == "activated",
        "the site should run again",
    )?;

    let path = format!("/partners/{PARTNER}/code-batches/{batch}");
    let body = json!({ "reason": "lost in the post", "codes": [many[1]] });
    let void = format!("{path}/void");
    story.partner("POST", &void, Some(body), 200).await?;
    let sms = format!("{site}/sms/redemptions");
    let body = json!({ "code": many[1] });
    let problem = story.kim("POST", &sms, Some(body), 410).await?;
    let body = json!({ "code": many[2] });
    story.kim("POST", &sms, Some(body), 201).await?;
    let sum = story.partner("GET", &path, None, 200).await?;
    let sum = &sum["sum"];
    say(&format!(
        "10. Another code was lost in the post and voided ({}), and a third became 5,000 SMS.\n    The batch: {} issued = {} applied + {} voided + {} expired + {} outstanding.",
        problem["code"],
        sum["issued"],
        sum["applied"],
        sum["voided"],
        sum["expired"],
        sum["outstanding"]
    ))?;

    let report = story.deduct("2027-05-31T12:00:00Z").await?;
    let seen = story.kim("GET", &license, None, 200).await?;
    say(&format!(
        "11. The scheduler slept until 31 May and charged {} due dates in one run.\n    {}",
        report["due_dates"],
        line(&seen)
    ))?;
    let again = story.deduct("2027-05-31T12:00:00Z").await?;
    expect(again["sites"] == 0, "nothing should be charged twice")?;
    say("    Run again, it charged nothing.")?;

    let users = format!("{site}/users");
    let ann = json!({ "name": "Ann", "mobile": "0664 1234567" });
    let ann = story.kim("POST", &users, Some(ann), 201).await?;
    let card = format!("{users}/{}/card", text(&ann["user"]["user_id"]));
    story.kim("POST", &card, Some(json!({})), 201).await?;
    let deliveries = format!("{card}/deliveries");
    let sent = story.kim("POST", &deliveries, Some(json!({})), 201).await?;
    let told = sns.messages();
    say(&format!(
        "12. Ann is added, user {}, and her card is sent to {}: {}, {} part.\n    {}",
        text(&ann["user"]["user_id"]),
        text(&sent["message"]["to"]),
        text(&sent["message"]["state"]),
        sent["message"]["parts"],
        text(&told["sms"][0]["text"])
    ))?;
    while engine.stream().hand_out(&story.functions).await? {}
    say("    What people were told of the site meanwhile:")?;
    let told = sns.messages();
    for notice in told["notices"].as_array().into_iter().flatten() {
        say(&format!("    {}", text(&notice["text"])))?;
    }

    say("13. The statement:")?;
    let path = format!("{site}/license/statement");
    let statement = story.kim("GET", &path, None, 200).await?;
    for entry in statement["entries"].as_array().into_iter().flatten() {
        say(&row(entry))?;
    }
    let findings = verify(&Table::over(engine.client(), TABLE_NAME)).await?;
    say(&format!("14. The proof, from the table alone:\n{findings}"))?;
    expect(
        findings.violations.is_empty(),
        "there should be no violation",
    )
}

/// One line of the statement.
fn row(entry: &Value) -> String {
    let (balances, changes) = (&entry["balances"], &entry["changes"]);
    format!(
        "    {:>2}  {}  {:<20} {:>+6} credits {:>+6} SMS   = {:>4} credits {:>5} SMS   {}…",
        number(&entry["sequence"]),
        text(&entry["at"]).get(..10).unwrap_or_default(),
        text(&entry["kind"]),
        number(&changes["credits"]),
        number(&changes["sms"]),
        number(&balances["credits"]),
        number(&balances["sms"]),
        text(&entry["hash"]).get(..8).unwrap_or_default()
    )
}

struct Story {
    functions: Functions,
    routes: Vec<Route>,
    now: Timestamp,
}

impl Story {
    async fn deduct(&mut self, at: &str) -> Result<Value, DemoError> {
        self.now = instant(at)?;
        let event = json!({ "scheduled_time": self.now });
        Ok(self.functions.invoke("deduct-monthly", event).await?)
    }

    /// A batch of the partner's: its ID and its codes.
    async fn issue(&self, credits: u64, count: u32) -> Result<(String, Vec<String>), DemoError> {
        let path = format!("/partners/{PARTNER}/code-batches");
        let body = json!({ "credits": credits, "count": count });
        let issued = self.partner("POST", &path, Some(body), 201).await?;
        let codes = issued["codes"].as_array().into_iter().flatten();
        Ok((
            text(&issued["batch"]["batch_id"]).to_owned(),
            codes.map(|code| text(code).to_owned()).collect(),
        ))
    }

    /// A request of the administrator's.
    async fn kim(
        &self,
        method: &str,
        path: &str,
        body: Option<Value>,
        status: u64,
    ) -> Result<Value, DemoError> {
        let claims = [
            ("sub", "kim"),
            ("email", ADMINISTRATOR),
            ("email_verified", "true"),
        ];
        self.call(method, path, body, status, &claims).await
    }

    /// A request of the partner's.
    async fn partner(
        &self,
        method: &str,
        path: &str,
        body: Option<Value>,
        status: u64,
    ) -> Result<Value, DemoError> {
        let claims = [("sub", "ada"), ("partner_id", PARTNER)];
        self.call(method, path, body, status, &claims).await
    }

    async fn call(
        &self,
        method: &str,
        path: &str,
        body: Option<Value>,
        status: u64,
        claims: &[(&str, &str)],
    ) -> Result<Value, DemoError> {
        let matched = self
            .routes
            .iter()
            .find_map(|route| Some((route, route.matches(method, path)?)));
        let (route, parameters) =
            matched.ok_or_else(|| DemoError::Unexpected(format!("there is no route {path}")))?;
        let claims = claims.iter();
        let claims = claims.map(|&(name, value)| (name.to_owned(), value.to_owned()));
        let call = Call {
            route,
            parameters,
            path,
            query: "",
            headers: &HeaderMap::new(),
            claims: Some(claims.collect()),
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

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
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
