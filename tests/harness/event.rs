//! The event that API Gateway sends for a request.

use super::{Call, System};
use run_local::template::Route;
use serde_json::{Value, json};

impl System {
    pub(super) fn route(&self, call: &Call) -> (&Route, Value) {
        let found = self
            .routes
            .iter()
            .find_map(|r| Some((r, json!(r.matches(call.method, &call.path)?))));
        found.unwrap_or_else(|| panic!("there is no route {} {}", call.method, call.path))
    }

    /// The event that API Gateway sends for a request.
    pub(crate) fn event(&self, call: &Call) -> Value {
        let (route, parameters) = self.route(call);
        let mut event: Value =
            serde_json::from_str(include_str!("../data/http-api-event.json")).unwrap();
        event["routeKey"] = json!(route.key());
        event["rawPath"] = json!(call.path);
        event["rawQueryString"] = json!(call.query);
        let pairs: Vec<(&str, &str)> = call
            .query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .collect();
        if !pairs.is_empty() {
            event["queryStringParameters"] = pairs
                .into_iter()
                .map(|(k, v)| (k.to_owned(), json!(v)))
                .collect::<serde_json::Map<_, _>>()
                .into();
        }
        event["pathParameters"] = parameters;
        event["requestContext"]["routeKey"] = json!(route.key());
        event["requestContext"]["http"]["method"] = json!(call.method);
        event["requestContext"]["http"]["path"] = json!(call.path);
        event["requestContext"]["timeEpoch"] = json!(call.at.as_millisecond());
        event["requestContext"]["authorizer"]["jwt"]["claims"] = call.claims.clone();
        if route.open {
            event["requestContext"]
                .as_object_mut()
                .unwrap()
                .remove("authorizer");
        }
        if let Some(key) = &call.key {
            event["headers"]["idempotency-key"] = json!(key);
        }
        if let Some(accept) = &call.accept {
            event["headers"]["accept"] = json!(accept);
        }
        if let Some(content_type) = &call.content_type {
            event["headers"]["content-type"] = json!(content_type);
        }
        if let Some(body) = &call.body {
            event["body"] = json!(body);
        }
        event["isBase64Encoded"] = json!(call.base64);
        event
    }
}
