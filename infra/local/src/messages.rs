//! What people would be told: the halts and resumes in the statements, which are the outbox.

use super::engine::Engine;
use super::template::TABLE_NAME;
use super::verify::{Table, VerifyError};
use serde_json::{Value, json};
use site_credits::domain::entry::Event;
use site_credits::store::decode_entry;

/// The most messages that are shown, the newest.
const MOST: usize = 200;

/// The notices, oldest first, each with the ID of its entry.
///
/// # Errors
/// The table cannot be read.
pub(crate) async fn published(engine: &Engine) -> Result<Value, VerifyError> {
    let table = Table::over(engine.client(), TABLE_NAME);
    let mut notices = Vec::new();
    for item in table.scan().await? {
        if !item
            .get("SK")
            .and_then(|key| key.as_s().ok())
            .is_some_and(|key| key.starts_with("ENTRY#"))
        {
            continue;
        }
        let Ok((entry, _)) = decode_entry(&item) else {
            continue;
        };
        let text = match &entry.event {
            Event::Halt { due_on, devices } => format!(
                "Site {} is halted: {devices} credits were due on {due_on}, and the balance was {}.",
                entry.site_id, entry.balances.credits
            ),
            Event::Resume { resumed_on } => {
                format!("Site {} runs again since {resumed_on}.", entry.site_id)
            }
            _ => continue,
        };
        let id = format!("{}-{}", entry.site_id, entry.sequence);
        notices.push((
            entry.at,
            json!({ "id": id, "at": entry.at, "site_id": entry.site_id, "text": text }),
        ));
    }
    notices.sort_by_key(|(at, _)| *at);
    let first = notices.len().saturating_sub(MOST);
    let notices: Vec<Value> = notices
        .into_iter()
        .skip(first)
        .map(|(_, notice)| notice)
        .collect();
    Ok(json!({ "notices": notices, "sms": [] }))
}
