//! A site's license: previews and redemptions of codes, and the statement.

use super::body::body;
use super::cursors::pages;
use super::schemas::{
    self, Instant, LastFour, LicenseStatus, NextCursor, RedemptionEntry, SmsRedemptionEntry,
    TypedCode,
};
use crate::commands::{Done, PreviewAnswer, Statement};
use crate::domain::model::code::Recharge;
use crate::domain::model::entry::Entry;
use crate::domain::model::site::{Role, SiteType, Status};
use crate::domain::rules::license::{License, Overdue};
use crate::domain::values::amount::Balances;
use crate::domain::values::country::Country;
use crate::domain::values::email::Email;
use crate::domain::values::ids::{PersonId, SiteId, UserId};
use crate::domain::values::last_date::LastDate;
use crate::domain::values::names::SiteName;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

body! {
    /// The body of `POST …/license/preview`.
    pub struct PreviewBody {
        /// The code as it was typed.
        #[schema(value_type = TypedCode)]
        pub code: String,
        /// Which balance it would recharge.
        pub recharge: Recharge,
    }
}

body! {
    /// The body of `POST …/license/redemptions` and `POST …/sms/redemptions`.
    pub struct RedemptionBody {
        /// The code as it was typed.
        #[schema(value_type = TypedCode)]
        pub code: String,
    }
}

/// Declares the answers to redemptions, which differ in their entries.
macro_rules! redemptions {
    ($($(#[$doc:meta])* $name:ident, $entry:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Serialize, ToSchema)]
        pub struct $name {
            /// The entry.
            #[schema(value_type = $entry)]
            pub entry: Option<Entry>,
            /// The license after it.
            pub license: License,
        }

        impl From<Done<License>> for $name {
            fn from(done: Done<License>) -> Self {
                Self {
                    entry: done.entry,
                    license: done.answer,
                }
            }
        }
    )*};
}

redemptions! {
    /// The answer to a redemption of credits.
    Redemption, RedemptionEntry;
    /// The answer to a redemption of SMS.
    SmsRedemption, SmsRedemptionEntry;
}

/// The answer to a preview.
#[derive(Debug, Serialize, ToSchema)]
pub struct Preview {
    /// The site.
    pub site_id: SiteId,
    /// Its name.
    pub site_name: SiteName,
    /// Its country.
    pub country: Country,
    /// Its type, which determines how it pays.
    pub site_type: SiteType,
    /// Which balance the code would recharge.
    pub recharge: Recharge,
    /// The code.
    pub code: PreviewedCode,
    /// The site now.
    pub before: BalancesAndStatus,
    /// The site after a redemption.
    pub after: BalancesAndStatus,
}

/// A code, as a preview shows it.
#[derive(Debug, Serialize, ToSchema)]
pub struct PreviewedCode {
    /// Its last four symbols.
    #[schema(value_type = LastFour)]
    pub last_four: String,
    /// Its credits.
    #[schema(minimum = 0, maximum = 1_000_000)]
    pub credits: u64,
    /// Its maintenance credits.
    #[schema(minimum = 0, maximum = 1_000_000)]
    pub maintenance_credits: u64,
    /// The last date on which it can be applied; null where it never expires.
    #[schema(value_type = Option<schemas::Date>)]
    pub expires_on: Option<LastDate>,
    /// When that date has ended everywhere on Earth; null where the code never expires.
    #[schema(value_type = Option<Instant>)]
    pub expires_at: Option<Timestamp>,
}

/// What a site holds, and whether it runs.
#[derive(Debug, Serialize, ToSchema)]
pub struct BalancesAndStatus {
    /// What it holds.
    pub balances: Balances,
    /// Whether it runs.
    #[schema(value_type = LicenseStatus)]
    pub status: Status,
    /// What it owes, if it is halted.
    pub overdue: Overdue,
}

impl Preview {
    /// What a preview shows.
    #[must_use]
    pub fn of(shown: PreviewAnswer, recharge: Recharge) -> Self {
        let PreviewAnswer {
            site,
            code,
            preview,
        } = shown;
        Self {
            site_id: site.id,
            site_name: site.name,
            country: site.country,
            site_type: site.site_type,
            recharge,
            code: PreviewedCode {
                credits: code.value.credits(),
                maintenance_credits: code.value.maintenance_credits(),
                last_four: code.last_four,
                expires_on: code.expires_on,
                expires_at: code.expires_on.map(LastDate::ends_at),
            },
            before: BalancesAndStatus {
                balances: preview.before,
                status: preview.status_before,
                overdue: Overdue {
                    credits: preview.overdue_before,
                },
            },
            after: BalancesAndStatus {
                balances: preview.after,
                status: preview.status_after,
                overdue: Overdue {
                    credits: preview.overdue_after,
                },
            },
        }
    }
}

pages!(StatementPage);

/// The answer to a request for a statement.
#[derive(Debug, Serialize, ToSchema)]
pub struct StatementPage {
    /// The entries.
    #[schema(max_items = 100)]
    pub entries: Vec<Entry>,
    /// The administrators, and those invited to be one, whom these entries name.
    #[schema(max_items = 200)]
    pub administrators: Vec<AdministratorOfEntries>,
    /// The users whom these entries name.
    #[schema(max_items = 100)]
    pub users: Vec<UserOfEntries>,
    /// The cursor of the next page; null after the last.
    #[schema(value_type = NextCursor)]
    pub next_cursor: Option<String>,
}

/// An administrator whom entries name.
#[derive(Debug, Serialize, ToSchema)]
pub struct AdministratorOfEntries {
    /// The ID in the entries.
    pub person: PersonId,
    /// The address; null of somebody who is no administrator, or none any more.
    pub email: Option<Email>,
    /// The role; null likewise.
    pub role: Option<Role>,
}

/// A user whom entries name.
#[derive(Debug, Serialize, ToSchema)]
pub struct UserOfEntries {
    /// The ID in the entries.
    pub person: PersonId,
    /// The ID that people gave; null of a former user.
    pub user_id: Option<UserId>,
}

impl From<Statement> for StatementPage {
    fn from(statement: Statement) -> Self {
        let Statement { page, people } = statement;
        let administrators = people.administrators.into_iter().map(|named| {
            let (email, role) = named.is.unzip();
            AdministratorOfEntries {
                person: named.person,
                email,
                role,
            }
        });
        let users = people.users.into_iter().map(|named| UserOfEntries {
            person: named.person,
            user_id: named.user_id,
        });
        Self {
            entries: page.entries,
            administrators: administrators.collect(),
            users: users.collect(),
            next_cursor: page.next.map(|sequence| sequence.to_string()),
        }
    }
}
