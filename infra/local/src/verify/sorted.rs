//! The items of the table, sorted by what they belong to.

use super::findings::Findings;
use site_credits::domain::model::account::{
    HistoryContent, HistoryLine, PartnerEvent, ReceivedFrom,
};
use site_credits::domain::model::batch::Batch;
use site_credits::domain::model::code::{Code, CodeState};
use site_credits::domain::model::device::Device;
use site_credits::domain::model::entry::Entry;
use site_credits::domain::model::message::Message;
use site_credits::domain::model::site::{SentInvitation, Site};
use site_credits::domain::model::user::{Roster, User};
use site_credits::domain::values::ids::{CommandId, PersonId, SiteId, UserId};
use site_credits::store::{
    CardOwner, CorruptItem, InvitedTo, Item, Key, account_place, decode_administrator_of,
    decode_batch, decode_card_owner, decode_code, decode_device, decode_entry, decode_history,
    decode_invitation, decode_invited, decode_message, decode_network_message, decode_number,
    decode_person, decode_roster, decode_site, decode_site_of, decode_user,
};
use std::collections::BTreeMap;

/// The items of the table.
#[derive(Default)]
pub(super) struct Sorted {
    pub(super) sites: BTreeMap<String, SiteParts>,
    pub(super) codes: Vec<Code>,
    /// The batches, each with whether it is complete.
    pub(super) batches: Vec<(Batch, bool)>,
    pub(super) history: Vec<HistoryLine>,
    /// The lines that applied codes are, on the index of accounts.
    pub(super) applied: Vec<HistoryLine>,
    /// The owner of the card that each link leads to, by the keyed hash of the link's token.
    pub(super) links: BTreeMap<String, CardOwner>,
    /// What each site received while the first form was written, by partner and site.
    pub(super) received: BTreeMap<(String, String), ReceivedFrom>,
}

/// The items of one site.
#[derive(Default)]
pub(super) struct SiteParts {
    pub(super) site: Option<Site>,
    pub(super) agenda: AgendaPlace,
    /// Its entries, each with the command that wrote it.
    pub(super) entries: Vec<(Entry, CommandId)>,
    pub(super) devices: Vec<Device>,
    pub(super) messages: Vec<(Message, AgendaPlace)>,
    pub(super) users: Vec<User>,
    /// The users to whom the IDs of persons lead.
    pub(super) persons: Vec<(PersonId, UserId)>,
    /// How many users the site says that it has.
    pub(super) roster: Option<Roster>,
    /// The partners from whose accounts an entry leads to the site, and which.
    pub(super) leading: Vec<(String, u64)>,
    /// The addresses of those who find it among their sites.
    pub(super) findable_by: Vec<String>,
    /// Its invitations with their addresses.
    pub(super) sent: Vec<SentInvitation>,
    /// The addresses that find it among their invitations.
    pub(super) invited: Vec<InvitedTo>,
}

/// The place of an item on the agenda. Both are empty where it is not on the agenda.
#[derive(Default)]
pub(super) struct AgendaPlace {
    pub(super) shard: String,
    pub(super) at: String,
}

impl AgendaPlace {
    fn of(item: &Item) -> Self {
        Self {
            shard: text(item, "agenda_shard").to_owned(),
            at: text(item, "agenda_at").to_owned(),
        }
    }
}

impl Sorted {
    /// Sorts items. One that cannot be read, or stands under a key that is not its own, is a violation.
    pub(super) fn of(items: &[Item], findings: &mut Findings) -> Self {
        let mut sorted = Self::default();
        for item in items {
            if let Err(reason) = sorted.take(item) {
                findings.violation("item", reason);
            }
        }
        for parts in sorted.sites.values_mut() {
            parts.entries.sort_by_key(|(entry, _)| entry.sequence);
            parts.findable_by.sort_unstable();
        }
        sorted
    }

    fn take(&mut self, item: &Item) -> Result<(), String> {
        let (pk, sk) = (text(item, "PK"), text(item, "SK"));
        let (kind, owner) = pk.split_once('#').unwrap_or((pk, ""));
        let sort = sk.split_once('#').map_or(sk, |(kind, _)| kind);
        match (kind, sort) {
            ("SITE" | "PARTNER" | "ADMIN", "REQUEST") | ("CALLER", "WRONG_CODES") => {}
            ("SITE", kind) => {
                // A partition that is not a site's has no kinds.
                let site_id = SiteId::parse(owner);
                let site_id = site_id.map_err(|_| format!("{pk} / {sk} is of no known kind"))?;
                let parts = self.parts(&site_id);
                return parts.take(kind, &site_id, item);
            }
            ("SNS", "SNS") => drop(decode_network_message(item).map_err(corrupt)?),
            ("CARD", "CARD") => {
                let card_owner = decode_card_owner(item).map_err(corrupt)?;
                self.links.insert(owner.to_owned(), card_owner);
            }
            ("CODE", "CODE") => {
                let code = decode_code(item).map_err(corrupt)?;
                let (place, line) = on_account(&code).unzip();
                self.applied.extend(line);
                let (placed, last_four) = (place.unwrap_or_default(), code.last_four.clone());
                self.codes.push(code);
                if text(item, "account_at") != placed {
                    return Err(format!(
                        "code …{last_four} is not on the index of accounts as it should be"
                    ));
                }
            }
            ("PARTNER", "BATCH") => self.batches.push(decode_batch(item).map_err(corrupt)?),
            ("ADMIN", "SITE") => {
                let (email, site) = decode_administrator_of(item).map_err(corrupt)?;
                self.parts(&site).findable_by.push(email.into());
            }
            ("ADMIN", "INVITATION") => {
                let invited = decode_invited(item).map_err(corrupt)?;
                self.parts(&invited.site_id).invited.push(invited);
            }
            ("ACCOUNT", "SITE") => {
                let (partner, site, received) = decode_site_of(item).map_err(corrupt)?;
                self.received
                    .insert((partner.into(), site.into()), received);
            }
            ("ACCOUNT", "HISTORY") => {
                let line = decode_history(item).map_err(corrupt)?;
                let key = Key::History(line.partner_id.clone(), line.content.at, line.id.clone());
                if key.pair().1 != sk {
                    return Err(format!("{pk} / {sk} holds the line of another instant"));
                }
                self.history.push(line);
            }
            _ => return Err(format!("{pk} / {sk} is of no known kind")),
        }
        Ok(())
    }

    fn parts(&mut self, site_id: &SiteId) -> &mut SiteParts {
        self.sites.entry(site_id.to_string()).or_default()
    }
}

impl SiteParts {
    fn take(&mut self, kind: &str, site_id: &SiteId, item: &Item) -> Result<(), String> {
        let (pk, sk) = (text(item, "PK"), text(item, "SK"));
        match kind {
            "SITE" => {
                self.site = Some(decode_site(item).map_err(corrupt)?);
                self.agenda = AgendaPlace::of(item);
            }
            "ENTRY" => {
                let (entry, command_id) = decode_entry(item).map_err(corrupt)?;
                let key = format!("ENTRY#{:016}", entry.sequence);
                if sk != key || entry.site_id != *site_id {
                    return Err(format!(
                        "{pk} / {sk} holds entry {} of site {}",
                        entry.sequence, entry.site_id
                    ));
                }
                let sequence = entry.sequence;
                self.entries.push((entry, command_id));
                if let Some(place) = item.get("account_at") {
                    let partner = text(item, "partner_id").to_owned();
                    self.leading.push((partner, sequence));
                    if place.as_s() != Ok(&format!("SITE#{site_id}")) {
                        return Err(format!("{pk} / {sk} leads to another site"));
                    }
                }
            }
            "DEVICE" => self.devices.push(decode_device(item).map_err(corrupt)?),
            "USER" => {
                let user = decode_user(item).map_err(corrupt)?;
                if Key::User(user.site_id.clone(), user.id.clone()).pair().1 != sk {
                    return Err(format!(
                        "{pk} / {sk} is not where a user of this ID is sought"
                    ));
                }
                self.users.push(user);
            }
            "ROSTER" => self.roster = Some(decode_roster(item).map_err(corrupt)?),
            "MESSAGE" => {
                let (message, _) = decode_message(item).map_err(corrupt)?;
                if Key::Message(site_id.clone(), message.id.clone()).pair().1 != sk {
                    return Err(format!("{pk} / {sk} holds another message"));
                }
                self.messages.push((message, AgendaPlace::of(item)));
            }
            "PERSON" => self.persons.push(decode_person(item).map_err(corrupt)?),
            "INVITATION" => self.sent.push(decode_invitation(item).map_err(corrupt)?),
            "NUMBER" => drop(decode_number(item).map_err(corrupt)?),
            _ => return Err(format!("{pk} / {sk} is of no known kind")),
        }
        Ok(())
    }
}

/// Where an applied code is on the index of accounts, and the line of its partner's history that it is there; none of one that
/// the first form applied, which wrote a line.
fn on_account(code: &Code) -> Option<(String, HistoryLine)> {
    let CodeState::Applied(application) = &code.state else {
        return None;
    };
    let event = PartnerEvent::Applied {
        site_id: application.site_id.clone(),
        code_last_four: code.last_four.clone(),
        recharge: application.recharge?,
    };
    let (at, batch) = (application.at, code.batch_id.clone());
    let line = HistoryLine {
        partner_id: code.partner_id.clone(),
        id: format!("{}-{}", application.site_id, application.entry_sequence),
        content: HistoryContent::of(at, batch, 1, code.value, event),
    };
    Some((account_place(application), line))
}

fn corrupt(error: CorruptItem) -> String {
    error.to_string()
}

/// An attribute's text; empty where it has none.
fn text<'a>(item: &'a Item, name: &str) -> &'a str {
    item.get(name)
        .and_then(|value| value.as_s().ok())
        .map_or("", String::as_str)
}
