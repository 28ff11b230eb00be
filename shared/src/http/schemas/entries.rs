//! The entries of a statement.

use super::forms::{not_required, number, object, or_null, to};
use serde_json::{Value, json};

/// One line for each kind of entry: what it changes, the status after it, the actor, and the members of `refers_to`,
/// each with its schema. A number in place of a schema means an integer from 1 to that number, and a trailing `?` means
/// that the member may be null. A member with a trailing `~` may be left out, as entries of one form have it and those of
/// another do not. A member without a name is the schema of `refers_to` as a whole.
const ENTRIES: &str = "
site_creation        NothingChanged  activated        AdministratorActor name:Name language:Language site_type:SiteType country:Country time_zone:TimeZone opened_on:Date
settings_change      NothingChanged  LicenseStatus    AdministratorActor name:Name time_zone:TimeZone language:Language sms_countries:SmsCountries
administrator_change NothingChanged  LicenseStatus    AdministratorActor person:PersonId~ email:Email~ role_before:Role? role_after:Role?
invitation           NothingChanged  LicenseStatus    InvitationActor    person:PersonId role:Role
invitation_end       NothingChanged  LicenseStatus    AdministratorActor person:PersonId outcome:InvitationOutcome
site_deletion        EverythingTaken deleted          AdministratorActor forfeited:Balances
redemption           CreditsAdded    LicenseStatus    AdministratorActor :CodeReference
sms_redemption       SmsAdded        LicenseStatus    AdministratorActor :CodeReference
device_registration  CreditsTaken    activated        AdministratorActor registered_on:Date devices:90 registered:NamedDevices~
device_removal       NothingChanged  LicenseStatus    AdministratorActor device_id:DeviceId name:Name~ registered_on:Date
device_replacement   NothingChanged  activated        AdministratorActor replaced:NamedDevice by:NamedDevice registered_on:Date
device_renaming      NothingChanged  LicenseStatus    AdministratorActor device_id:DeviceId name_before:Name name:Name
card_issue           CardPaid        activated        AdministratorActor person:PersonId~ user_id:UserId~ card_id:CardId
card_reissue         CardPaidAgain   activated        AdministratorActor person:PersonId~ user_id:UserId~ card_id:CardId replaces:CardId from:PersonId~
sms_reservation      SmsTaken        activated        AdministratorActor message_id:MessageId person:PersonId~ user_id:UserId~ to:MaskedNumber~ parts:Parts
sms_refund           SmsGivenBack    Status           SystemActor        message_id:MessageId parts:Parts reason:NotSent
deduction            CreditsTaken    activated        SystemActor        due_on:Date devices:10000 anchor_days:AnchorDays~
halt                 NothingChanged  payment_required SystemActor        due_on:Date devices:10000 anchor_days:AnchorDays~
overdue_deduction    CreditsTaken    payment_required SystemActor        charged_through:Date paid_through:Date devices:10000 anchor_days:AnchorDays~ because_of:Sequence~
resume               NothingChanged  activated        SystemActor        resumed_on:Date because_of:Sequence~
warning              NothingChanged  activated        SystemActor        days_before:DaysBefore falls_short_on:Date missing:9007199254740991
";

/// The words of each line of [`ENTRIES`].
fn lines() -> impl Iterator<Item = Vec<&'static str>> {
    let lines = ENTRIES.lines().filter(|line| !line.is_empty());
    lines.map(|line| line.split_whitespace().collect())
}

/// The kinds of entries.
pub(super) fn kinds() -> Vec<&'static str> {
    lines().filter_map(|words| words.first().copied()).collect()
}

/// The schema of an entry of a kind.
pub(super) fn entry(kind: &str) -> Value {
    let line = lines().find(|words| words.first() == Some(&kind));
    let Some([kind, changes, status, actor, members @ ..]) = line.as_deref() else {
        return Value::Null;
    };
    let mut entry = object(&[
        ("form", to("Form")),
        ("site_id", to("SiteId")),
        (
            "sequence",
            if *kind == "site_creation" {
                json!({ "const": 1 })
            } else {
                to("Sequence")
            },
        ),
        ("at", to("Instant")),
        ("kind", json!({ "const": kind })),
        ("refers_to", refers_to(kind, members)),
        ("changes", to(changes)),
        ("balances", to("Balances")),
        ("status", of(status)),
        ("actor", to(actor)),
        ("previous_hash", to("Hash")),
        ("hash", to("Hash")),
    ]);
    not_required(&mut entry, &["form"]);
    entry
}

fn refers_to(kind: &str, members: &[&str]) -> Value {
    let members = members.iter().filter_map(|member| member.split_once(':'));
    let (mut optional, mut all) = (Vec::new(), Vec::new());
    for (name, form) in members {
        let always = form.strip_suffix('~');
        optional.extend(always.map(|_| name));
        all.push((name, of(always.unwrap_or(form))));
    }
    let members = all;
    match members.as_slice() {
        [("", whole)] => whole.clone(),
        members => {
            let mut object = object(members);
            not_required(&mut object, &optional);
            if kind == "settings_change" {
                // Unchanged settings are omitted.
                object["required"] = json!([]);
                object["minProperties"] = json!(1);
            }
            object
        }
    }
}

fn of(form: &str) -> Value {
    match (form.strip_suffix('?'), form.parse()) {
        (Some(name), _) => or_null(name),
        (None, Ok(maximum)) => number(1, maximum),
        (None, Err(_)) if form.starts_with(|c: char| c.is_ascii_lowercase()) => {
            json!({ "const": form })
        }
        (None, Err(_)) => to(form),
    }
}
