//! What a start says: the sites that are there, and lines to paste that work with them.

use super::seed::{ADMINISTRATOR, DYNAMIC_SITE, MAX_SITES};
use site_credits::domain::model::site::{SiteType, Status};
use site_credits::domain::rules::license::License;

/// The page whose lines to try are printed.
const README: &str = include_str!("../../../README.md");
/// The address of that page's server.
const ADDRESS: &str = "http://127.0.0.1:3000";
/// The path of the site that its lines try.
const SITE: &str = "GYM=/sites/";
/// Creates a site and has its ID, where the lines name one.
const NEW_SITE: &str = r#"$(call "$KIM" /sites '{"name":"Harbour Gym","country":"AT","site_type":"dynamic"}' | sed 's/.*"site_id":"\([^"]*\)".*/\1/')"#;

/// The text, for a server at `address` whose data has these sites of the demonstration's administrator.
#[must_use]
pub fn text(sites: &[License], address: &str) -> String {
    let mut said: Vec<String> = sites.iter().map(line).collect();
    if sites.len() == usize::from(MAX_SITES) {
        said.push("There may be more sites: GET /sites lists them.".to_owned());
    }
    let to_try = sites
        .iter()
        .find(|site| site.site_id.as_str() == DYNAMIC_SITE)
        .or(sites.first());
    if to_try.is_none() {
        said.push(format!(
            "{ADMINISTRATOR} has no site here any more: the lines create one."
        ));
    }
    let said = said.join("\n");
    let id = to_try.map_or(NEW_SITE, |site| site.site_id.as_str());
    let lines = README.split("```sh\n").nth(1);
    let lines = lines.and_then(|rest| rest.split("```").next());
    let lines = lines
        .unwrap_or_default()
        .replace(ADDRESS, address)
        .replace(&format!("{SITE}{DYNAMIC_SITE}"), &format!("{SITE}{id}"));
    format!(
        "\n{said}\n\nPaste this into another terminal:\n\n{lines}\ndocs/STORY.md goes through everything.\n\
         Ctrl-C stops it. `cargo run -- verify` proves the books.\n"
    )
}

/// A site in one line: what it is, and what it has now.
fn line(site: &License) -> String {
    let pays = match site.site_type {
        SiteType::Dynamic => "device",
        SiteType::Regular => "card",
    };
    let status = match site.status {
        Status::Activated => "activated",
        Status::PaymentRequired => "halted until it is recharged",
        Status::Deleted => "deleted",
    };
    let balances = site.balances;
    let mut has = vec![
        counted(u64::from(site.devices), "device"),
        counted(balances.credits, "credit"),
    ];
    if site.site_type == SiteType::Regular {
        has.push(counted(balances.maintenance_credits, "maintenance credit"));
    }
    has.push(format!("{} SMS", balances.sms));
    let (id, name, has) = (&site.site_id, &site.site_name, has.join(", "));
    format!("{name} ({id}) pays by {pays}. It is {status}, with {has}.")
}

fn counted(count: u64, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}
