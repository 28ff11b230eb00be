//! The items of the table and the types of the domain, in both directions: a file a noun.

use crate::domain::model::change::Write;
use crate::domain::values::ids::CommandId;
use crate::store::conditional::Conditional;
use crate::store::item::CorruptItem;

mod account;
mod administrator;
mod batch;
mod card;
mod code;
mod device;
mod entry;
mod invitation;
mod message;
mod person;
mod request;
mod site;
mod user;
mod wrong_codes;

pub use account::{decode_history, decode_leading, decode_site_of};
pub use administrator::decode_administrator_of;
pub use batch::decode_batch;
pub use card::{CardOwner, decode_card_owner};
pub use code::{account_place, decode_application, decode_code};
pub use device::decode_device;
pub use entry::decode_entry;
pub use invitation::{InvitedTo, decode_invitation, decode_invited};
pub use message::{NetworkMessage, decode_message, decode_network_message, decode_number};
pub use person::decode_person;
pub use request::decode_request;
pub(super) use site::agenda_instant;
pub use site::decode_site;
pub use user::{decode_roster, decode_user};

/// The operation on an item that a write is, and its condition.
pub(super) fn write(write: &Write, by: &CommandId) -> Result<Conditional, CorruptItem> {
    Ok(match write {
        Write::Site(site) => site::written(site)?,
        Write::SiteUnchanged { site_id, version } => site::unchanged(site_id, *version),
        Write::Entry(entry) => entry::written(entry, by)?,
        Write::FirstOfPartner(partner_id, entry) => entry::first_of(partner_id, entry, by)?,
        Write::Request(request) => request::remembered(request)?,
        Write::RequestCompleted(request) => request::completed(request)?,
        Write::CodeApplied { key, application } => code::applied(key, application),
        Write::CodeIssued(code) => code::issued(code)?,
        Write::CodeVoided { key, voiding } => code::voided(key, voiding),
        Write::BatchStarted(batch) => batch::started(batch)?,
        Write::BatchCompleted {
            partner_id,
            batch_id,
        } => batch::completed(partner_id, batch_id),
        Write::DeviceAdded(device) => device::added(device)?,
        Write::DeviceChanged(device) => device::changed(device)?,
        Write::DeviceRemoved { site_id, device_id } => device::removed(site_id, device_id),
        Write::Roster { site_id, roster } => user::roster(site_id, *roster)?,
        Write::UserAdded(user) => user::added(user)?,
        Write::UserChanged(user) => user::changed(user)?,
        Write::UserRemoved {
            site_id,
            user_id,
            version,
        } => user::removed(site_id, user_id, *version),
        Write::UserUnchanged {
            site_id,
            user_id,
            version,
        } => user::unchanged(site_id, user_id, *version),
        Write::PersonNamed {
            site_id,
            person,
            user_id,
        } => person::named(site_id, person, user_id)?,
        Write::PersonForgotten { site_id, person } => person::forgotten(site_id, person),
        Write::CardLinked {
            key,
            site_id,
            user_id,
        } => card::linked(key, site_id, user_id)?,
        Write::CardUnlinked(key) => card::unlinked(key),
        Write::MessageReserved { site_id, message } => message::reserved(site_id, message)?,
        Write::Message {
            site_id,
            message_id,
            step,
        } => message::stepped(site_id, message_id, step),
        Write::MessageFoundBy {
            network_id,
            site_id,
            message_id,
            at,
        } => message::found_by(network_id, site_id, message_id, *at)?,
        Write::NumberCounted {
            site_id,
            number,
            at,
        } => message::counted(site_id, number, *at)?,
        Write::WrongCodeCounted { by, at, most } => wrong_codes::counted(by, *at, *most),
        Write::AdministratorAdded { email, site_id } => administrator::added(email, site_id),
        Write::AdministratorRemoved { email, site_id } => administrator::removed(email, site_id),
        Write::InvitationSent(sent) => invitation::sent(sent)?,
        Write::InvitationErased { site_id, person } => invitation::erased(site_id, person),
        Write::Invited {
            email,
            site_id,
            person,
            found,
            over_at,
        } => invitation::invited(email, site_id, person, found.as_ref(), *over_at)?,
        Write::InvitedNoMore { email, site_id } => invitation::invited_no_more(email, site_id),
        Write::HistoryLine(line) => account::line(line)?,
    })
}
