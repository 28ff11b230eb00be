//! `appoint-master`: an operator invites somebody to be the master of a site whose master is gone. It is an invitation, so no
//! typing error loses the site, and an entry says so, so it never happens silently.

use crate::clock::Clock;
use crate::engine::Engine;
use site_credits::commands::{self, Operator};
use site_credits::domain::model::site::{Role, Site, Status};
use site_credits::domain::values::email::Email;
use site_credits::domain::values::ids::SiteId;
use site_credits::domain::values::names::Reference;
use site_credits::settings;
use site_credits::store::{Attempts, TypedKey};
use std::error::Error;
use std::io::{BufRead, Write};
use std::path::PathBuf;

/// The answer that goes on.
const YES: &str = "yes";

/// Who is appointed.
#[derive(Debug)]
pub struct Appointment {
    /// Of which site.
    pub site: SiteId,
    /// Who.
    pub email: Email,
    /// On which ticket.
    pub reference: Reference,
}

/// Where the site is.
#[derive(Debug)]
pub enum Books {
    /// In a folder that nobody else uses.
    Folder(PathBuf),
    /// In the table that the environment names, as it does for a function: `TABLE_NAME`, `AWS_REGION` and the credentials.
    Deployed,
}

/// Invites the person. Before that it asks, where there is anybody to answer. False if the answer was another than yes.
///
/// # Errors
/// The folder or the table cannot be used, there is no such site, it was deleted, or a rule refuses it. Nothing was changed
/// then.
pub async fn appoint(
    books: &Books,
    appointment: &Appointment,
    answer: Option<impl BufRead>,
    mut out: impl Write,
) -> Result<bool, Box<dyn Error + Send + Sync>> {
    let Appointment {
        site: id,
        email,
        reference,
    } = appointment;
    // The engine has its folder to itself until the end.
    let engine = match books {
        Books::Folder(data) => Some(Engine::on_existing(data)?),
        Books::Deployed => None,
    };
    let store = match &engine {
        Some(engine) => engine.store(),
        None => settings::store()?,
    };
    let now = Clock::default().now();
    let site = store
        .read(TypedKey::site(id), &mut Attempts::default())
        .await?;
    let site = site.ok_or_else(|| match books {
        Books::Folder(data) => format!("there is no site {id} in {}", data.display()),
        Books::Deployed => format!("there is no site {id} in the table"),
    })?;
    if site.status == Status::Deleted {
        return Err(format!("site {id} was deleted, which is for good").into());
    }
    writeln!(out, "{}", description(&site, appointment))?;
    if let Some(mut answer) = answer {
        write!(out, "Type {YES} to go on: ")?;
        out.flush()?;
        let mut line = String::new();
        answer.read_line(&mut line)?;
        if line.trim() != YES {
            writeln!(out, "Nothing was changed.")?;
            return Ok(false);
        }
    }
    let operator = Operator {
        reference: reference.clone(),
        now,
    };
    let done = commands::appoint_master(&store, id, email, &operator).await?;
    let (until, entry) = (done.answer.expires_at, done.entry);
    let entry = entry.map_or(0, |entry| entry.sequence);
    let published = match books {
        Books::Folder(_) => "when the server starts next",
        Books::Deployed => "by publish-notices",
    };
    writeln!(
        out,
        "{email} is invited until {until}, by entry {entry}. The notice is published {published}."
    )?;
    Ok(true)
}

/// What there is, and what will be done.
fn description(site: &Site, appointment: &Appointment) -> String {
    let Appointment {
        email, reference, ..
    } = appointment;
    let mut administrators = site.administrators.iter();
    let master = administrators.find(|administrator| administrator.role == Role::Master);
    let master = match master {
        Some(master) => format!(
            "Its master is {}, who stays master until the invitation is accepted, and is a sub-master then.",
            master.email
        ),
        None => "It has no master.".to_owned(),
    };
    format!(
        "Site {}: {}, in {}. {master}\n\
         {email} will be invited to be its master, for seven days. An entry of its statement will say that an operator did \
         so, on {reference}.",
        site.id, site.name, site.country
    )
}
