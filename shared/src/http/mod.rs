//! The HTTP contract: gateway events in, answers and problems out.
//!
//! An event is read as it comes from the HTTP API (payload format 2.0). It is not turned into an `http::Request`
//! first: that would panic on a path that is no URI, and a function that aborts answers nobody.

mod answer;
mod arrival;
mod bodies;
mod message_bodies;
mod pages;
mod partner_bodies;
mod people_bodies;
mod problem;
mod site_bodies;

pub use answer::Answer;
pub use arrival::{Arrival, MAX_BODY_BYTES};
pub use bodies::{
    PreviewBody, RedemptionBody, license_answer, page, preview_answer, redemption_answer,
    statement_answer,
};
pub use message_bodies::{
    DeliveryBody, MessageBody, message_answer, message_id, message_preview_answer, messages_answer,
    sent_message_answer,
};
pub use pages::{HistoryPage, history_page, page_of};
pub use partner_bodies::{
    NewBatchBody, VoidBody, batch_answer, batch_id, batches_answer, codes_answer, history_answer,
    issued_answer, sites_of_partner_answer, voided_answer,
};
pub use people_bodies::{
    CardBody, CardPages, CardStatusBody, PausedOrActive, UserBody, UserChangeBody, imported_answer,
    lines_to_import, opened_card_answer, removed_user_answer, user_id, users_of,
};
pub use problem::{Problem, ProblemCode};
pub use site_bodies::{
    AdministratorBody, DeviceBody, DevicesBody, NewSiteBody, RoleBody, SettingsBody,
    administrator_answer, administrators_answer, changed_site_answer, device_id, devices_answer,
    email_of_path, forfeit, registered_answer, removed_answer, site_answer, sites_answer,
};

/// The contract, as an OpenAPI document. A test holds it against the routes, the bodies and the problems.
pub const OPENAPI: &str = include_str!("../../../openapi.yaml");

use crate::telemetry;
use aws_lambda_events::apigw::ApiGatewayV2httpRequest;

/// Answers one event: reads it, hands it on, and logs one line that has neither code, token nor address.
pub async fn answer<F>(event: ApiGatewayV2httpRequest, handle: impl FnOnce(Arrival) -> F) -> Answer
where
    F: Future<Output = Result<Answer, Problem>>,
{
    let arrival = Arrival::of(event);
    let route = arrival.route.clone();
    let request_id = arrival.request_id.clone();
    // Boxed, as the SDK's futures are nested too deeply to be part of a larger one.
    match Box::pin(handle(arrival)).await {
        Ok(answer) => {
            tracing::info!(route, request_id, status = answer.status_code, "answered");
            answer
        }
        Err(problem) => {
            let (status, code) = (problem.status(), problem.code.as_str());
            if let Some(source) = problem.source.as_deref() {
                // A defect or an outage: the whole chain of causes, once, here.
                let causes = telemetry::causes(source);
                tracing::error!(route, request_id, status, code, causes, "failed");
            } else {
                tracing::info!(route, request_id, status, code, "refused");
            }
            problem.into_answer()
        }
    }
}
