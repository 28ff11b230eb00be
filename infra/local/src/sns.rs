//! SNS on this machine: a phone that shows the messages, and a topic that shows the notices. It is an HTTP connector for
//! the SDK, as the engine has one, so the functions send and read what they would over a network.
//!
//! Faults are injected here: see [`Fault`].

use super::connector::response;
use aws_sdk_sns::config::{Builder, Credentials, Region};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use serde_json::{Value, json};
use site_credits::sns::{SmsNetwork, Topic};
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Notify;

/// The ARN of the topic on this machine.
pub const TOPIC_ARN: &str = "arn:aws:sns:local:000000000000:site-credits-notices";
/// How many of the newest messages, and of the newest notices, are shown.
const SHOWN: usize = 200;

/// What happens to one request on its way.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Fault {
    /// Nothing.
    #[default]
    None,
    /// It never arrives, and the caller times out.
    LostRequest,
    /// It is carried out, and its answer is lost.
    LostAnswer,
    /// It is refused because there are too many requests.
    Throttled,
    /// It is refused because the number is not valid.
    InvalidNumber,
    /// It is refused because the owner of the number opted out.
    OptedOut,
    /// It is refused because the account may not send, or has reached its spending limit.
    Refused,
    /// It fails with an internal error.
    InternalError,
    /// The caller dies before it arrives.
    CrashBefore,
    /// It is carried out, and the caller dies.
    CrashAfter,
}

/// Decides what happens to a request of an action.
type Plan = Box<dyn FnMut(&str) -> Fault + Send>;

#[derive(Default)]
struct State {
    sms: VecDeque<Value>,
    notices: VecDeque<Value>,
    opted_out: Vec<String>,
    plan: Option<Plan>,
    gate: Option<Arc<Notify>>,
}

/// The phone and the topic. Clones share them.
#[derive(Clone, Default)]
pub struct Sns {
    state: Arc<Mutex<State>>,
    /// Notified when a caller dies.
    crashed: Arc<Notify>,
}

impl fmt::Debug for Sns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sns").finish_non_exhaustive()
    }
}

impl Sns {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The network, as a function has it.
    #[must_use]
    pub fn network(&self) -> SmsNetwork {
        SmsNetwork::new(self.config(), Some("SiteCredits".to_owned()))
    }

    /// The topic, as a function has it.
    #[must_use]
    pub fn topic(&self) -> Topic {
        Topic::new(self.config(), TOPIC_ARN.to_owned())
    }

    fn config(&self) -> Builder {
        aws_sdk_sns::Config::builder()
            .region(Region::new("local"))
            .credentials_provider(Credentials::new("local", "local", None, None, "local"))
            .endpoint_url("http://sns.invalid")
            .http_client(self.clone())
    }

    /// The messages and notices that arrived, oldest first.
    #[must_use]
    pub fn messages(&self) -> Value {
        let state = self.state();
        json!({ "notices": state.notices, "sms": state.sms })
    }

    /// Opts the owner of a number out of messages, or in again.
    pub fn opt_out(&self, number: &str, out: bool) {
        let mut state = self.state();
        state.opted_out.retain(|known| known != number);
        if out {
            state.opted_out.push(number.to_owned());
        }
    }

    /// From now on `plan` decides what happens to a request, by its action.
    pub fn plan(&self, plan: impl FnMut(&str) -> Fault + Send + 'static) {
        self.state().plan = Some(Box::new(plan));
    }

    /// From now on no fault is injected.
    pub fn quiet(&self) {
        self.state().plan = None;
    }

    /// From now on each request waits, after its fault is decided, for one notification of what is returned.
    #[must_use]
    pub fn hold(&self) -> Arc<Notify> {
        let gate = Arc::new(Notify::new());
        self.state().gate = Some(gate.clone());
        gate
    }

    /// Waits until a caller dies.
    pub async fn crashed(&self) {
        self.crashed.notified().await;
    }

    async fn request(&self, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let body = request.body().bytes().unwrap_or_default();
        let parameters: BTreeMap<String, String> =
            form_urlencoded::parse(body).into_owned().collect();
        let action = parameters.get("Action").cloned().unwrap_or_default();
        // Other tasks come in between, as they would on a network.
        tokio::task::yield_now().await;
        let fault = self
            .state()
            .plan
            .as_mut()
            .map_or(Fault::None, |plan| plan(&action));
        let gate = self.state().gate.clone();
        if let Some(gate) = gate {
            gate.notified().await;
        }
        let lost = || ConnectorError::timeout("no answer came: an injected fault".into());
        match fault {
            Fault::None | Fault::LostAnswer | Fault::CrashAfter => {}
            Fault::LostRequest => return Err(lost()),
            Fault::CrashBefore => {
                self.crashed.notify_one();
                return std::future::pending().await;
            }
            Fault::Throttled => return Ok(error(429, "Throttled", "Rate exceeded")),
            Fault::InvalidNumber => {
                let number = parameters.get("PhoneNumber").cloned().unwrap_or_default();
                let what = format!("Invalid parameter: PhoneNumber Reason: {number} is not valid");
                return Ok(error(400, "InvalidParameter", &what));
            }
            Fault::OptedOut => return Ok(error(400, "OptedOut", "Phone number is opted out")),
            Fault::Refused => return Ok(error(403, "AuthorizationError", "Not authorized")),
            Fault::InternalError => return Ok(error(500, "InternalError", "Internal error")),
        }
        let answer = self.carry_out(&action, &parameters);
        match fault {
            Fault::LostAnswer => Err(lost()),
            Fault::CrashAfter => {
                self.crashed.notify_one();
                std::future::pending().await
            }
            _ => Ok(answer),
        }
    }

    fn carry_out(&self, action: &str, parameters: &BTreeMap<String, String>) -> HttpResponse {
        let of = |name: &str| parameters.get(name).cloned().unwrap_or_default();
        let mut state = self.state();
        match action {
            "CheckIfPhoneNumberIsOptedOut" => {
                let out = state.opted_out.contains(&of("phoneNumber"));
                answer(action, &format!("<isOptedOut>{out}</isOptedOut>"))
            }
            "Publish" => {
                let id = uuid::Uuid::new_v4().to_string();
                let attributes = attributes(parameters);
                let (shown, all) = if parameters.contains_key("PhoneNumber") {
                    let to = of("PhoneNumber");
                    let from = attributes.get("AWS.SNS.SMS.SenderID");
                    let sms = json!({ "id": id, "to": to, "from": from, "text": of("Message") });
                    (sms, &mut state.sms)
                } else {
                    let notice = json!({
                        "id": id, "subject": of("Subject"), "text": of("Message"), "attributes": attributes,
                    });
                    (notice, &mut state.notices)
                };
                all.push_back(shown);
                if all.len() > SHOWN {
                    all.pop_front();
                }
                answer(action, &format!("<MessageId>{id}</MessageId>"))
            }
            other => error(400, "InvalidAction", &format!("{other} is not used here")),
        }
    }
}

/// The attributes of a message: `MessageAttributes.entry.1.Name` and so on, as the Query protocol numbers them.
fn attributes(parameters: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let place = |number: usize, part: &str| {
        parameters.get(&format!("MessageAttributes.entry.{number}.{part}"))
    };
    (1..)
        .map_while(|number| {
            let value = place(number, "Value.StringValue")
                .cloned()
                .unwrap_or_default();
            Some((place(number, "Name")?.clone(), value))
        })
        .collect()
}

fn answer(action: &str, result: &str) -> HttpResponse {
    http(
        200,
        format!(
            "<{action}Response xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><{action}Result>{result}\
             </{action}Result><ResponseMetadata><RequestId>local</RequestId></ResponseMetadata></{action}Response>"
        ),
    )
}

fn error(status: u16, code: &str, message: &str) -> HttpResponse {
    http(
        status,
        format!(
            "<ErrorResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><Error><Type>Sender</Type>\
             <Code>{code}</Code><Message>{message}</Message></Error><RequestId>local</RequestId></ErrorResponse>"
        ),
    )
}

fn http(status: u16, body: String) -> HttpResponse {
    response(status, "text/xml", body)
}

impl HttpConnector for Sns {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let sns = self.clone();
        HttpConnectorFuture::new(async move { sns.request(request).await })
    }
}

impl HttpClient for Sns {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}
