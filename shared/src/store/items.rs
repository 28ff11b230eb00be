//! The items of the table and the domain's types, in both directions.

use super::keys::{Key, PK, SK};
use crate::domain::model::account::{HistoryLine, Received, Told};
use crate::domain::model::batch::Batch;
use crate::domain::model::card::Card;
use crate::domain::model::code::{Application, Code, CodeState, CodeValue, Voiding};
use crate::domain::model::device::Device;
use crate::domain::model::entry::Entry;
use crate::domain::model::message::{Message, NumberCount, SendWindow};
use crate::domain::model::site::{Administrator, Site, SiteType, Status};
use crate::domain::model::user::{Profile, Roster, User, UserKind};
use crate::domain::rules::agenda;
use crate::domain::values::amount::Balances;
use crate::domain::values::calendar::{AnchorDay, DaysBefore, Devices};
use crate::domain::values::country::{Country, Language};
use crate::domain::values::email::Email;
use crate::domain::values::hash::Hash;
use crate::domain::values::ids::{
    BatchId, CommandId, DeviceId, MessageId, PartnerId, SiteId, UserId,
};
use crate::domain::values::license_code::CodeKey;
use crate::domain::values::names::{PersonName, Reason, SiteName, Subject};
use crate::domain::values::phone::Mobile;
use crate::domain::values::secret::SecretId;
use crate::domain::values::time_zone::TimeZone;
use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};

/// An item as the SDK gives it.
pub type Item = HashMap<String, AttributeValue>;

/// An item is not of its form. It names the item and what is wrong with it.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the item {partition_key} / {sort_key} is corrupt: {reason}")]
pub struct CorruptItem {
    /// Its partition key.
    pub partition_key: String,
    /// Its sort key.
    pub sort_key: String,
    /// What is wrong.
    pub reason: String,
}

impl CorruptItem {
    fn of(item: &Item, reason: impl Into<String>) -> Self {
        let text = |name: &str| {
            let value = item.get(name).and_then(|value| value.as_s().ok());
            value.cloned().unwrap_or_else(|| "?".to_owned())
        };
        Self {
            partition_key: text(PK),
            sort_key: text(SK),
            reason: reason.into(),
        }
    }
}

#[derive(Serialize, Deserialize)]
struct SiteAttributes {
    name: SiteName,
    country: Country,
    time_zone: TimeZone,
    language: Language,
    site_type: SiteType,
    status: Status,
    credits: u64,
    maintenance_credits: u64,
    sms: u64,
    administrators: Vec<Administrator>,
    /// Devices by anchor day; the days without any are left out.
    devices: BTreeMap<String, u32>,
    charged_through: Date,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    warned: Option<DaysBefore>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sms_countries: Option<Vec<Country>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sms_window: Option<SendWindow>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    users_to_erase: bool,
    sequence: u64,
    last_hash: Hash,
    last_entry_at: Timestamp,
    version: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    agenda_shard: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    agenda_at: Option<String>,
}

/// An instant as the index sorts it: whole seconds, so that the text sorts as the time does.
pub(super) fn agenda_instant(at: Timestamp) -> String {
    Timestamp::from_second(at.as_second())
        .unwrap_or(at)
        .to_string()
}

pub(super) fn encode_site(site: &Site) -> Result<Item, CorruptItem> {
    let at = agenda::next(site).map(agenda_instant);
    let devices = site.devices.by_anchor();
    let attributes = SiteAttributes {
        name: site.name.clone(),
        country: site.country.clone(),
        time_zone: site.time_zone.clone(),
        language: site.language.clone(),
        site_type: site.site_type,
        status: site.status,
        credits: site.balances.credits,
        maintenance_credits: site.balances.maintenance_credits,
        sms: site.balances.sms,
        administrators: site.administrators.clone(),
        devices: devices
            .map(|(anchor, count)| (anchor.day().to_string(), count))
            .collect(),
        charged_through: site.charged_through,
        warned: site.warned,
        sms_countries: site.sms_countries.clone(),
        sms_window: site.sms_window,
        users_to_erase: site.users_to_erase,
        sequence: site.sequence,
        last_hash: site.last_hash,
        last_entry_at: site.last_entry_at,
        version: site.version,
        agenda_shard: at.as_ref().map(|_| agenda::shard_of(&site.id).to_string()),
        agenda_at: at,
    };
    encode(&Key::Site(site.id.clone()), &attributes)
}

/// Reads a site.
///
/// # Errors
/// The item is not of its form.
pub fn decode_site(item: &Item) -> Result<Site, CorruptItem> {
    let corrupt = |reason: &str| CorruptItem::of(item, reason);
    let attributes: SiteAttributes = decode(item)?;
    let mut devices = Devices::default();
    for (day, count) in &attributes.devices {
        let anchor = day.parse().ok().and_then(AnchorDay::new);
        let anchor = anchor.ok_or_else(|| corrupt("an anchor day is not 1 to 31"))?;
        devices
            .add(anchor, *count)
            .map_err(|_| corrupt("there are too many devices"))?;
    }
    let id = second_part(item, PK).and_then(|id| SiteId::parse(id).ok());
    Ok(Site {
        id: id.ok_or_else(|| corrupt("its key has no site ID"))?,
        name: attributes.name,
        country: attributes.country,
        time_zone: attributes.time_zone,
        language: attributes.language,
        site_type: attributes.site_type,
        status: attributes.status,
        balances: Balances {
            credits: attributes.credits,
            maintenance_credits: attributes.maintenance_credits,
            sms: attributes.sms,
        },
        administrators: attributes.administrators,
        devices,
        charged_through: attributes.charged_through,
        warned: attributes.warned,
        sms_countries: attributes.sms_countries,
        sms_window: attributes.sms_window,
        users_to_erase: attributes.users_to_erase,
        sequence: attributes.sequence,
        last_hash: attributes.last_hash,
        last_entry_at: attributes.last_entry_at,
        version: attributes.version,
    })
}

#[derive(Serialize, Deserialize)]
struct EntryAttributes {
    #[serde(flatten)]
    entry: Entry,
    /// Beside the entry and not hashed: by it a command whose answer was lost knows its own change again.
    command_id: CommandId,
}

pub(super) fn encode_entry(entry: &Entry, command_id: &CommandId) -> Result<Item, CorruptItem> {
    let key = Key::Entry(entry.site_id.clone(), entry.sequence);
    let attributes = EntryAttributes {
        entry: entry.clone(),
        command_id: command_id.clone(),
    };
    encode(&key, &attributes)
}

/// Reads an entry, and the command that wrote it.
///
/// # Errors
/// The item is not of its form.
pub fn decode_entry(item: &Item) -> Result<(Entry, CommandId), CorruptItem> {
    let attributes: EntryAttributes = decode(item)?;
    Ok((attributes.entry, attributes.command_id))
}

#[derive(Serialize, Deserialize)]
struct CodeAttributes {
    last_four: String,
    credits: u64,
    maintenance_credits: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires_on: Option<Date>,
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
    applied_by: Option<Email>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    applied_entry: Option<u64>,
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
pub(super) fn encode_new_code(code: &Code) -> Result<Item, CorruptItem> {
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
        applied_by: None,
        applied_entry: None,
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
/// The item is not of its form, or says that the code was applied or voided without saying how.
pub fn decode_code(item: &Item) -> Result<Code, CorruptItem> {
    let corrupt = |reason: &str| CorruptItem::of(item, reason);
    let attributes: CodeAttributes = decode(item)?;
    let applied = (
        attributes.applied_at,
        attributes.applied_to,
        attributes.applied_by,
        attributes.applied_entry,
    );
    let voided = (
        attributes.voided_at,
        attributes.voided_by,
        attributes.void_reason,
    );
    let state = match (applied, voided, attributes.command_id) {
        ((None, None, None, None), (None, None, None), None) => CodeState::Outstanding,
        ((None, None, None, None), (Some(at), Some(by), Some(reason)), Some(command_id)) => {
            CodeState::Voided(Voiding {
                at,
                by,
                reason,
                command_id,
            })
        }
        (
            (Some(at), Some(site_id), Some(by), Some(entry_sequence)),
            (None, None, None),
            Some(command_id),
        ) => CodeState::Applied(Application {
            site_id,
            entry_sequence,
            at,
            by,
            command_id,
        }),
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

#[derive(Serialize, Deserialize)]
struct BatchAttributes {
    credits: u64,
    maintenance_credits: u64,
    count: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires_on: Option<Date>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bound_to: Option<SiteId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    secret_id: SecretId,
    issued_at: Timestamp,
    issued_by: Subject,
    /// Set once every code is written: an issue that died half-way is finished by its repetition.
    #[serde(default)]
    complete: bool,
}

pub(super) fn encode_batch(batch: &Batch, complete: bool) -> Result<Item, CorruptItem> {
    let attributes = BatchAttributes {
        credits: batch.value.credits(),
        maintenance_credits: batch.value.maintenance_credits(),
        count: batch.count,
        expires_on: batch.expires_on,
        bound_to: batch.bound_to.clone(),
        note: batch.note.clone(),
        secret_id: batch.secret_id.clone(),
        issued_at: batch.issued_at,
        issued_by: batch.issued_by.clone(),
        complete,
    };
    encode(
        &Key::Batch(batch.partner_id.clone(), batch.id.clone()),
        &attributes,
    )
}

/// Reads a batch, and whether all its codes were written.
///
/// # Errors
/// The item is not of its form.
pub fn decode_batch(item: &Item) -> Result<(Batch, bool), CorruptItem> {
    let corrupt = |reason: &str| CorruptItem::of(item, reason);
    let attributes: BatchAttributes = decode(item)?;
    let value = CodeValue::new(attributes.credits, attributes.maintenance_credits);
    let partner = second_part(item, PK).and_then(|id| PartnerId::parse(id).ok());
    let id = second_part(item, SK).and_then(|id| BatchId::parse(id).ok());
    let batch = Batch {
        id: id.ok_or_else(|| corrupt("its key has no batch ID"))?,
        partner_id: partner.ok_or_else(|| corrupt("its key has no partner ID"))?,
        value: value.map_err(|_| corrupt("its codes carry what no code can carry"))?,
        count: attributes.count,
        expires_on: attributes.expires_on,
        bound_to: attributes.bound_to,
        note: attributes.note,
        secret_id: attributes.secret_id,
        issued_at: attributes.issued_at,
        issued_by: attributes.issued_by,
    };
    Ok((batch, attributes.complete))
}

#[derive(Serialize, Deserialize)]
struct DeviceAttributes {
    name: SiteName,
    registered_on: Date,
}

pub(super) fn encode_device(device: &Device) -> Result<Item, CorruptItem> {
    let key = Key::Device(device.site_id.clone(), device.id.clone());
    let attributes = DeviceAttributes {
        name: device.name.clone(),
        registered_on: device.registered_on,
    };
    encode(&key, &attributes)
}

/// Reads a device.
///
/// # Errors
/// The item is not of its form.
pub fn decode_device(item: &Item) -> Result<Device, CorruptItem> {
    let corrupt = |reason: &str| CorruptItem::of(item, reason);
    let attributes: DeviceAttributes = decode(item)?;
    let site_id = second_part(item, PK).and_then(|id| SiteId::parse(id).ok());
    let id = second_part(item, SK).and_then(|id| DeviceId::parse(id).ok());
    Ok(Device {
        site_id: site_id.ok_or_else(|| corrupt("its key has no site ID"))?,
        id: id.ok_or_else(|| corrupt("its key has no device ID"))?,
        name: attributes.name,
        registered_on: attributes.registered_on,
    })
}

#[derive(Serialize, Deserialize)]
struct UserAttributes {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<PersonName>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kind: Option<UserKind>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    email: Option<Email>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mobile: Option<Mobile>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    card: Option<Card>,
    added_at: Timestamp,
    added_by: CommandId,
    version: u64,
}

pub(super) fn encode_user(user: &User) -> Result<Item, CorruptItem> {
    let Profile {
        name,
        kind,
        email,
        mobile,
    } = user.profile.clone();
    let attributes = UserAttributes {
        name,
        kind,
        email,
        mobile,
        card: user.card.clone(),
        added_at: user.added_at,
        added_by: user.added_by.clone(),
        version: user.version,
    };
    encode(
        &Key::User(user.site_id.clone(), user.id.clone()),
        &attributes,
    )
}

/// Reads a user.
///
/// # Errors
/// The item is not of its form.
pub fn decode_user(item: &Item) -> Result<User, CorruptItem> {
    let corrupt = |reason: &str| CorruptItem::of(item, reason);
    let attributes: UserAttributes = decode(item)?;
    let site_id = second_part(item, PK).and_then(|id| SiteId::parse(id).ok());
    let id = second_part(item, SK).and_then(|rest| rest.split_once('#'));
    let id = id.and_then(|(_, id)| UserId::parse(id).ok());
    Ok(User {
        site_id: site_id.ok_or_else(|| corrupt("its key has no site ID"))?,
        id: id.ok_or_else(|| corrupt("its key has no user ID"))?,
        profile: Profile {
            name: attributes.name,
            kind: attributes.kind,
            email: attributes.email,
            mobile: attributes.mobile,
        },
        card: attributes.card,
        added_at: attributes.added_at,
        added_by: attributes.added_by,
        version: attributes.version,
    })
}

#[derive(Serialize, Deserialize)]
struct RosterAttributes {
    users: u32,
    next_number: u32,
    version: u64,
}

pub(super) fn encode_roster(site: &SiteId, roster: Roster) -> Result<Item, CorruptItem> {
    let attributes = RosterAttributes {
        users: roster.users,
        next_number: roster.next_number,
        version: roster.version,
    };
    encode(&Key::Roster(site.clone()), &attributes)
}

/// Reads how many users a site has.
///
/// # Errors
/// The item is not of its form.
pub fn decode_roster(item: &Item) -> Result<Roster, CorruptItem> {
    let RosterAttributes {
        users,
        next_number,
        version,
    } = decode(item)?;
    Ok(Roster {
        users,
        next_number,
        version,
    })
}

#[derive(Serialize, Deserialize)]
struct MessageAttributes {
    #[serde(flatten)]
    message: Message,
    /// The network's ID, once it took the message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    network_id: Option<String>,
    /// Who sends it: the one command that claimed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    claimed_by: Option<CommandId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    agenda_shard: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    agenda_at: Option<String>,
}

pub(super) fn encode_message(site: &SiteId, message: &Message) -> Result<Item, CorruptItem> {
    let at = message.agenda_at().map(agenda_instant);
    let attributes = MessageAttributes {
        message: message.clone(),
        network_id: None,
        claimed_by: None,
        agenda_shard: at.as_ref().map(|_| agenda::shard_of(site).to_string()),
        agenda_at: at,
    };
    encode(&Key::Message(site.clone(), message.id.clone()), &attributes)
}

/// Reads a message, and who claimed it.
///
/// # Errors
/// The item is not of its form.
pub fn decode_message(item: &Item) -> Result<(Message, Option<CommandId>), CorruptItem> {
    let attributes: MessageAttributes = decode(item)?;
    Ok((attributes.message, attributes.claimed_by))
}

#[derive(Serialize, Deserialize)]
struct NumberAttributes {
    #[serde(flatten)]
    window: SendWindow,
    version: u64,
    /// When the item may be forgotten: the table's TTL.
    expires_at: i64,
}

/// How long it is remembered how many messages a number was sent, in seconds: longer than the day that is counted.
const NUMBER_KEPT_S: i64 = 2 * 86_400;

pub(super) fn encode_number(
    site: &SiteId,
    number: &NumberCount,
    at: Timestamp,
) -> Result<Item, CorruptItem> {
    let attributes = NumberAttributes {
        window: number.window,
        version: number.version,
        expires_at: at.as_second() + NUMBER_KEPT_S,
    };
    encode(&Key::Number(site.clone(), number.key.clone()), &attributes)
}

/// Reads how many messages a number was sent.
///
/// # Errors
/// The item is not of its form.
pub fn decode_number(item: &Item) -> Result<NumberCount, CorruptItem> {
    let corrupt = |reason: &str| CorruptItem::of(item, reason);
    let attributes: NumberAttributes = decode(item)?;
    let key = second_part(item, SK).map(str::to_owned);
    Ok(NumberCount {
        key: key.ok_or_else(|| corrupt("its key has no hash"))?,
        window: attributes.window,
        version: attributes.version,
    })
}

/// Which message the network's ID belongs to.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct NetworkMessage {
    /// The site.
    pub site_id: SiteId,
    /// The message.
    pub message_id: MessageId,
    /// When the item may be forgotten: the table's TTL.
    pub expires_at: i64,
}

impl NetworkMessage {
    /// Reads which message the network's ID belongs to.
    ///
    /// # Errors
    /// The item is not of its form.
    pub fn decode(item: &Item) -> Result<Self, CorruptItem> {
        decode(item)
    }
}

/// Whose card a link leads to.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct CardOwner {
    /// The site.
    pub site_id: SiteId,
    /// The user.
    pub user_id: UserId,
}

impl CardOwner {
    /// Reads whose card a link leads to.
    ///
    /// # Errors
    /// The item is not of its form.
    pub fn decode(item: &Item) -> Result<Self, CorruptItem> {
        decode(item)
    }
}

/// What a site got of a partner, and when it last did: an item that is only ever added to.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct SiteOfAttributes {
    /// What it got.
    #[serde(flatten)]
    pub received: Received,
    /// When it last applied one of the partner's codes.
    pub last_applied_at: Timestamp,
}

/// Reads what a site got of a partner.
///
/// # Errors
/// The item is not of its form.
pub fn decode_site_of(item: &Item) -> Result<(PartnerId, SiteId, SiteOfAttributes), CorruptItem> {
    let corrupt = |reason: &str| CorruptItem::of(item, reason);
    let partner = second_part(item, PK).and_then(|id| PartnerId::parse(id).ok());
    let site = second_part(item, SK).and_then(|id| SiteId::parse(id).ok());
    Ok((
        partner.ok_or_else(|| corrupt("its key has no partner ID"))?,
        site.ok_or_else(|| corrupt("its key has no site ID"))?,
        decode(item)?,
    ))
}

pub(super) fn encode_history(line: &HistoryLine) -> Result<Item, CorruptItem> {
    let key = Key::History(line.partner_id.clone(), line.told.at, line.id.clone());
    encode(&key, &line.told)
}

/// Reads a line of a partner's history.
///
/// # Errors
/// The item is not of its form.
pub fn decode_history(item: &Item) -> Result<HistoryLine, CorruptItem> {
    let corrupt = |reason: &str| CorruptItem::of(item, reason);
    let told: Told = decode(item)?;
    let partner = second_part(item, PK).and_then(|id| PartnerId::parse(id).ok());
    let id = second_part(item, SK).and_then(|rest| rest.split_once('#'));
    Ok(HistoryLine {
        partner_id: partner.ok_or_else(|| corrupt("its key has no partner ID"))?,
        id: id.ok_or_else(|| corrupt("its key has no ID"))?.1.to_owned(),
        told,
    })
}

/// The site that an item of a person's sites names.
///
/// # Errors
/// Its key is not of its form.
pub fn decode_administrator_of(item: &Item) -> Result<(Email, SiteId), CorruptItem> {
    let email = second_part(item, PK).and_then(|email| Email::parse(email).ok());
    let site = second_part(item, SK).and_then(|id| SiteId::parse(id).ok());
    email
        .zip(site)
        .ok_or_else(|| CorruptItem::of(item, "its key names no person or no site"))
}

/// What a request led to, as its item keeps it: enough to give the first answer again, word for word.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct FirstAnswer {
    /// The hash of who asked for what.
    pub fingerprint: String,
    /// The entry of a site's statement that the request led to, if it changed a site.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry_sequence: Option<u64>,
    /// The command that wrote this, where no entry tells: by it a command whose answer was lost knows its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command_id: Option<CommandId>,
    /// What else was answered, as JSON. It cannot be made again later, as the site moves on. (One text: an item of
    /// nested maps would cost more bytes.)
    pub answer: String,
    /// When the item may be forgotten, in seconds of the Unix epoch: the table's TTL.
    pub expires_at: i64,
}

impl FirstAnswer {
    /// Reads what a request led to.
    ///
    /// # Errors
    /// The item is not of its form.
    pub fn decode(item: &Item) -> Result<Self, CorruptItem> {
        decode(item)
    }
}

/// Adds the key to the attributes. `serde_dynamo` writes an empty string and an absent value as they are.
pub(super) fn encode(key: &Key, attributes: &impl Serialize) -> Result<Item, CorruptItem> {
    let mut item = key.attributes();
    let encoded: Result<Item, _> = serde_dynamo::to_item(attributes);
    match encoded {
        Ok(attributes) => {
            item.extend(attributes);
            Ok(item)
        }
        Err(error) => Err(CorruptItem::of(&item, error.to_string())),
    }
}

/// Reads the attributes of an item.
pub(super) fn decode<T: DeserializeOwned>(item: &Item) -> Result<T, CorruptItem> {
    serde_dynamo::from_item(item.clone()).map_err(|error| CorruptItem::of(item, error.to_string()))
}

fn second_part<'a>(item: &'a Item, name: &str) -> Option<&'a str> {
    let key = item.get(name)?.as_s().ok()?;
    key.split_once('#').map(|(_, second)| second)
}
