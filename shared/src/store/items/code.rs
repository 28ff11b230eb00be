//! The item of a license code.

use crate::domain::model::account::{HistoryContent, HistoryLine, PartnerEvent};
use crate::domain::model::code::{Application, Code, CodeState, CodeValue, Recharge, Voiding};
use crate::domain::values::ids::{BatchId, CommandId, PartnerId, SiteId};
use crate::domain::values::last_date::LastDate;
use crate::domain::values::license_code::CodeKey;
use crate::domain::values::names::{Reason, Subject};
use crate::store::conditional::{ABSENT, Conditional, PRESENT};
use crate::store::item::{CorruptItem, Item, decode, encode, second_part};
use crate::store::keys::{APPLIED_PREFIX, Key, PK, history_instant};
use crate::store::reads::TypedKey;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Nobody applied the code.
const CODE_NOT_APPLIED: &str = "attribute_not_exists(applied_at)";
/// Its partner did not void it.
const CODE_NOT_VOIDED: &str = "attribute_not_exists(voided_at)";
/// Its last date is not over: dates sort as their texts do.
const CODE_NOT_EXPIRED: &str = "(attribute_not_exists(expires_on) OR expires_on >= :earliest)";
/// It is for every site, or for this one.
const CODE_NOT_BOUND_ELSEWHERE: &str = "(attribute_not_exists(bound_to) OR bound_to = :site)";

#[derive(Serialize, Deserialize)]
struct CodeAttributes {
    last_four: String,
    credits: u64,
    maintenance_credits: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires_on: Option<LastDate>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bound_to: Option<SiteId>,
    partner_id: PartnerId,
    batch_id: BatchId,
    batch_index: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    applied_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    applied_to: Option<SiteId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    applied_entry: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    recharge: Option<Recharge>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    command_id: Option<CommandId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    voided_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    voided_by: Option<Subject>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    void_reason: Option<Reason>,
}

/// An outstanding code; what is written on one that was applied, the write path sets.
fn encode_new_code(code: &Code) -> Result<Item, CorruptItem> {
    let attributes = CodeAttributes {
        last_four: code.last_four.clone(),
        credits: code.value.credits(),
        maintenance_credits: code.value.maintenance_credits(),
        expires_on: code.expires_on,
        bound_to: code.bound_to.clone(),
        partner_id: code.partner_id.clone(),
        batch_id: code.batch_id.clone(),
        batch_index: code.index,
        applied_at: None,
        applied_to: None,
        applied_entry: None,
        recharge: None,
        command_id: None,
        voided_at: None,
        voided_by: None,
        void_reason: None,
    };
    encode(&Key::Code(code.key.clone()), &attributes)
}

/// Reads a code.
///
/// # Errors
/// The item is corrupt, or says that the code was applied or voided without saying how.
pub fn decode_code(item: &Item) -> Result<Code, CorruptItem> {
    let corrupt = |reason: &str| CorruptItem::of(item, reason);
    let attributes: CodeAttributes = decode(item)?;
    let applied = (
        attributes.applied_at,
        attributes.applied_to,
        attributes.applied_entry,
    );
    let voided = (
        attributes.voided_at,
        attributes.voided_by,
        attributes.void_reason,
    );
    let state = match (applied, voided, attributes.command_id) {
        ((None, None, None), (None, None, None), None) => CodeState::Outstanding,
        ((None, None, None), (Some(at), Some(by), Some(reason)), Some(command_id)) => {
            CodeState::Voided(Voiding {
                at,
                by,
                reason,
                command_id,
            })
        }
        ((Some(at), Some(site_id), Some(entry_sequence)), (None, None, None), Some(command_id)) => {
            CodeState::Applied(Application {
                site_id,
                entry_sequence,
                at,
                recharge: attributes.recharge,
                command_id,
            })
        }
        _ => {
            return Err(corrupt(
                "it is neither outstanding, nor applied, nor voided",
            ));
        }
    };
    let key = second_part(item, PK).map(CodeKey::from_stored);
    let value = CodeValue::new(attributes.credits, attributes.maintenance_credits);
    Ok(Code {
        key: key.ok_or_else(|| corrupt("its key has no hash"))?,
        last_four: attributes.last_four,
        value: value.map_err(|_| corrupt("it carries what no code can carry"))?,
        expires_on: attributes.expires_on,
        bound_to: attributes.bound_to,
        partner_id: attributes.partner_id,
        batch_id: attributes.batch_id,
        index: attributes.batch_index,
        state,
    })
}

/// The place of an applied code on the index of accounts, by the time and the entry.
#[must_use]
pub fn account_place(application: &Application) -> String {
    let Application {
        site_id,
        entry_sequence,
        at,
        ..
    } = application;
    let instant = history_instant(*at);
    format!("{APPLIED_PREFIX}{instant}#{site_id}-{entry_sequence}")
}

/// What the index of accounts has of a code.
#[derive(Deserialize)]
struct ApplicationAttributes {
    partner_id: PartnerId,
    account_at: String,
    last_four: String,
    credits: u64,
    maintenance_credits: u64,
    batch_id: BatchId,
    applied_at: Timestamp,
    applied_to: SiteId,
    recharge: Recharge,
}

/// Reads the line of a partner's history that an applied code is, from the index of accounts.
///
/// # Errors
/// The item is corrupt.
pub fn decode_application(item: &Item) -> Result<HistoryLine, CorruptItem> {
    let corrupt = |reason: &str| CorruptItem::of(item, reason);
    let attributes: ApplicationAttributes = decode(item)?;
    let value = CodeValue::new(attributes.credits, attributes.maintenance_credits);
    let value = value.map_err(|_| corrupt("it carries what no code can carry"))?;
    let id = attributes.account_at.rsplit_once('#');
    let event = PartnerEvent::Applied {
        site_id: attributes.applied_to,
        code_last_four: attributes.last_four,
        recharge: attributes.recharge,
    };
    let (at, batch_id) = (attributes.applied_at, attributes.batch_id);
    Ok(HistoryLine {
        partner_id: attributes.partner_id,
        // Stored and not shown: how many entries a site has is not a partner's business.
        id: id
            .ok_or_else(|| corrupt("its place on the index has no entry"))?
            .1
            .to_owned(),
        content: HistoryContent::of(at, batch_id, 1, value, event),
    })
}

impl TypedKey<Code> {
    /// A code.
    #[must_use]
    pub fn code(key: &CodeKey) -> Self {
        Self {
            key: Key::Code(key.clone()),
            decode: decode_code,
        }
    }
}

pub(super) fn issued(code: &Code) -> Result<Conditional, CorruptItem> {
    Ok(Conditional::put(encode_new_code(code)?).when(ABSENT))
}

pub(super) fn applied(key: &CodeKey, application: &Application) -> Conditional {
    // Only what the first form wrote does not say it, and that is never written again.
    let recharge = application.recharge.unwrap_or(Recharge::Credits);
    let expression = "applied_at = :at, applied_to = :site, applied_entry = :entry, \
                      recharge = :recharge, account_at = :place, command_id = :command";
    Conditional::update(Key::Code(key.clone()), expression)
        .when(PRESENT)
        .when(CODE_NOT_APPLIED)
        .when(CODE_NOT_VOIDED)
        .when(CODE_NOT_EXPIRED)
        .when(CODE_NOT_BOUND_ELSEWHERE)
        .text(":at", application.at.to_string())
        .text(":site", application.site_id.as_str())
        .number(":entry", application.entry_sequence)
        .text(":recharge", recharge.as_str())
        .text(":place", account_place(application))
        .text(":command", application.command_id.as_str())
        .text(":earliest", LastDate::earliest(application.at).to_string())
}

pub(super) fn voided(key: &CodeKey, voiding: &Voiding) -> Conditional {
    let expression =
        "voided_at = :at, voided_by = :by, void_reason = :reason, command_id = :command";
    Conditional::update(Key::Code(key.clone()), expression)
        .when(PRESENT)
        .when(CODE_NOT_APPLIED)
        .when(CODE_NOT_VOIDED)
        .text(":at", voiding.at.to_string())
        .text(":by", voiding.by.as_str())
        .text(":reason", voiding.reason.as_str())
        .text(":command", voiding.command_id.as_str())
}
