//! Commands and readings: a file a noun, and the one executor that they share.
//!
//! Every command goes through the executor (`execute.rs`) or, where no asker waits behind it, through a step that may be
//! taken any number of times (`steps.rs`).

mod account;
mod administrators;
mod asker;
mod batches;
mod cards;
mod codes;
mod command;
mod deduct;
mod deliveries;
mod devices;
mod execute;
mod invitations;
mod license;
mod messages;
mod operator;
mod pages;
mod people;
mod redeem;
mod sites;
mod steps;
mod subject;
mod users;
mod users_import;

pub use account::{history, sites_of_partner};
pub use administrators::{change_role, remove_administrator};
pub use asker::{
    Asker, CommandError, EmailNotVerified, KnownAs, Operator, PartnerAsker, ReadError, SiteNotFound,
};
pub use batches::{
    BatchError, Issued, NewBatch, batch_sum, issue_batch, issue_codes, list_batches,
};
pub use cards::{
    CardIssued, NewCardDates, card_by_link, issue_card, pause_or_resume_card, reissue_card,
    revoke_card,
};
pub use codes::{CodeInBatch, MAX_CODES_A_VOID, Voided, fetch_codes, void_codes};
pub use deduct::{DeductError, Report, deduct_due};
pub use deliveries::{Resolved, Sms, record_receipt, resolve_message};
pub use devices::{
    DeviceChanged, DeviceNotFound, DeviceToRegister, RegisterError, Registered, RemoveError,
    ReplaceError, Replacement, list_devices, register_devices, remove_device, rename_device,
    replace_device,
};
pub use execute::Done;
pub use invitations::{
    AddressedInvitation, Declined, InvitationView, Offered, OwnInvitation, Withdrawn,
    accept_invitation, decline_invitation, invite, list_invitations, list_own_invitations,
    send_again, withdraw_invitation,
};
pub use license::{Period, Statement, license, statement};
pub use messages::{
    MessageError, MessagePreview, MessageToSend, deliver_message, list_messages, message,
    preview_message,
};
pub use operator::{AppointmentRefused, appoint_master};
pub use pages::{Page, PageOf};
pub use people::{MessageView, NamedAdministrator, NamedUser, People};
pub use redeem::{PreviewAnswer, RedeemError, preview, redeem};
pub use sites::{
    AdministratorView, CreateSiteError, SiteView, change_settings, create_site, delete_site,
    list_sites, random_site_id, site,
};
pub use users::{
    NewUser, UserRefused, UsersOf, add_user, change_user, list_users, remove_user, user,
};
pub use users_import::{Imported, LineRefused, LineToImport, MAX_IMPORTED, import_users};
