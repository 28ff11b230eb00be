//! The schemas of what the domain writes into answers and reads from requests. The domain itself knows no contract.
//!
//! Their descriptions stand with the rest of the contract's prose. A schema is only in the contract where something
//! leads to it.

use super::problem::ProblemCode;
use crate::commands::{CodeInBatch, SiteView};
use crate::domain::model::account::HistoryContent;
use crate::domain::model::batch::BatchSum;
use crate::domain::model::card::CardStatus;
use crate::domain::model::code::Recharge;
use crate::domain::model::entry::Entry;
use crate::domain::model::message::{MessageState, NotSent, Template};
use crate::domain::model::site::{Administrator, Role, SiteType, Status};
use crate::domain::model::user::UserKind;
use crate::domain::rules::license::{License, SiteOfPartner};
use crate::domain::values::amount::Balances;
use crate::domain::values::country::Country;
use crate::domain::values::email::Email;
use crate::domain::values::ids::{BatchId, CardId, DeviceId, MessageId, PartnerId, SiteId, UserId};
use crate::domain::values::names::{PersonName, Reason, SiteName, Subject};
use crate::domain::values::parts::Encoding;
use crate::domain::values::phone::Mobile;
use crate::domain::values::time_zone::TimeZone;
use serde_json::{Map, Value, json};
use utoipa::openapi::RefOr;
use utoipa::openapi::extensions::Extensions;
use utoipa::openapi::schema::{Object, Schema, SchemaType};

/// A schema that is JSON as it stands.
fn raw(schema: Value) -> RefOr<Schema> {
    let members = match schema {
        Value::Object(members) => members,
        _ => Map::new(),
    };
    let mut object = Object::with_type(SchemaType::AnyValue);
    object.extensions = Some(members.into_iter().collect::<Extensions>());
    RefOr::T(Schema::Object(object))
}

/// Gives types their names and schemas in the contract. What has no type of its own gets one here, for its name.
macro_rules! schemas {
    (
        types { $($type:ty = $type_name:literal: $type_schema:expr;)* }
        names { $($name:ident: $schema:expr;)* }
        others { $($other:ident: $other_schema:expr;)* }
    ) => {
        $(
            impl utoipa::PartialSchema for $type {
                fn schema() -> RefOr<Schema> {
                    raw($type_schema)
                }
            }

            impl utoipa::ToSchema for $type {
                fn name() -> std::borrow::Cow<'static, str> {
                    $type_name.into()
                }
            }
        )*
        $(
            /// What the contract calls so.
            #[derive(Debug)]
            pub(super) enum $name {}

            impl utoipa::PartialSchema for $name {
                fn schema() -> RefOr<Schema> {
                    raw($schema)
                }
            }

            impl utoipa::ToSchema for $name {}
        )*

        /// Every schema of this file, by its name.
        #[must_use]
        pub fn all() -> Vec<(&'static str, Value)> {
            vec![
                $(($type_name, $type_schema),)*
                $((stringify!($name), $schema),)*
                $((stringify!($other), $other_schema),)*
            ]
        }
    };
}

/// The form of UUIDs.
const UUID: &str = "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$";
/// A text without control characters.
const TEXT: &str = r"^[^\x00-\x1F\x7F-\x9F]+$";
/// The largest balance.
const MAX: u64 = crate::domain::values::amount::MAX_BALANCE;

schemas! {
    types {
        SiteId = "SiteId": text("^[0-9A-HJKMNP-TV-Z]{8}$");
        PartnerId = "PartnerId": text("^[A-Za-z0-9_-]{1,64}$");
        BatchId = "BatchId": json!({ "type": "string", "format": "uuid", "pattern": UUID });
        DeviceId = "DeviceId": text("^[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}$");
        UserId = "UserId": text("^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$");
        CardId = "CardId": json!({ "type": "string", "format": "uuid", "pattern": UUID });
        MessageId = "MessageId": json!({
            "type": "string",
            "format": "uuid",
            "pattern": "^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$",
        });
        Email = "Email": json!({
            "type": "string",
            "format": "idn-email",
            "maxLength": 254,
            "pattern": r"^[^@A-Z/?#%\\\x00-\x20\x7F-\x9F]+@[^@A-Z/?#%\\\x00-\x20\x7F-\x9F]+$",
        });
        SiteName = "Name": name(TEXT, 100);
        PersonName = "PersonName": name(r"^[^-=+@\x00-\x1F\x7F-\x9F][^\x00-\x1F\x7F-\x9F]*$", 100);
        Reason = "Reason": name(TEXT, 100);
        Subject = "Subject": json!({ "type": "string", "minLength": 1, "maxLength": 255 });
        Country = "Country": text("^[A-Z]{2}$");
        TimeZone = "TimeZone": text("^[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*$");
        Mobile = "Mobile": text(r"^\+[0-9]{1,15}$");
        SiteType = "SiteType": words(&["dynamic", "regular"]);
        Status = "Status": words(&["activated", "payment_required", "deleted"]);
        Role = "Role": words(&["master", "sub_master", "site_admin"]);
        Recharge = "Recharge": words(&["credits", "sms"]);
        UserKind = "UserKind": words(&["employee", "visitor", "member"]);
        CardStatus = "CardStatus": words(&["active", "paused", "revoked"]);
        Template = "MessageTemplate": words(&["card", "notice"]);
        Encoding = "MessageEncoding": words(&["GSM-7", "UCS-2"]);
        MessageState = "MessageState": words(&[
            "reserved", "sending", "sent", "failed", "unknown", "delivered", "undelivered",
        ]);
        NotSent = "NotSent": words(&["invalid_number", "opted_out", "throttled", "refused", "left_behind"]);
        Balances = "Balances": object(&[
            ("credits", number(0, MAX)),
            ("maintenance_credits", number(0, MAX)),
            ("sms", number(0, MAX)),
        ]);
        Administrator = "Administrator": object(&[("email", to("Email")), ("role", to("Role"))]);
        SiteView = "Site": object(&[
            ("site_id", to("SiteId")),
            ("name", to("Name")),
            ("country", to("Country")),
            ("time_zone", to("TimeZone")),
            ("language", to("Language")),
            ("sms_countries", to("SmsCountries")),
            ("site_type", to("SiteType")),
            ("status", to("Status")),
            ("balances", to("Balances")),
            ("devices", number(0, 10_000)),
            ("role", or_null("Role")),
            ("administrators", json!({ "type": "array", "maxItems": 20, "items": to("Administrator") })),
        ]);
        SiteOfPartner = "SiteOfPartner": object(&[
            ("site_id", to("SiteId")),
            ("site_name", to("Name")),
            ("country", to("Country")),
            ("site_type", to("SiteType")),
            ("status", to("Status")),
            ("devices", number(0, 10_000)),
            ("monthly_cost", number(0, 10_000)),
            ("covered_until", to("CoveredUntil")),
            ("received", to("Received")),
            ("last_applied_at", to("Instant")),
        ]);
        License = "License": object(&[
            ("site_id", to("SiteId")),
            ("site_name", to("Name")),
            ("site_type", to("SiteType")),
            ("country", to("Country")),
            ("time_zone", to("TimeZone")),
            ("status", to("LicenseStatus")),
            ("balances", to("Balances")),
            ("devices", number(0, 10_000)),
            ("next_deduction", or_null("NextDeduction")),
            ("forecast", to("Forecast")),
            ("overdue", to("Overdue")),
        ]);
        BatchSum = "BatchSum": object(&[
            ("issued", number(0, 10_000)),
            ("applied", number(0, 10_000)),
            ("voided", number(0, 10_000)),
            ("expired", number(0, 10_000)),
            ("outstanding", number(0, 10_000)),
        ]);
        CodeInBatch = "CodeInBatch": object(&[
            ("index", number(0, 9_999)),
            ("code", or_null("LicenseCode")),
            ("last_four", to("LastFour")),
            ("state", to("CodeStanding")),
            ("applied_at", or_null("Instant")),
            ("site_id", or_null("SiteId")),
            ("voided_at", or_null("Instant")),
            ("void_reason", or_null("Reason")),
        ]);
        HistoryContent = "HistoryLine": one_of("Line", &LINES);
        Entry = "Entry": one_of("Entry", &ENTRIES.map(|(kind, ..)| kind));
    }
    names {
        Date: json!({ "type": "string", "format": "date", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$" });
        Instant: json!({
            "type": "string",
            "format": "date-time",
            "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?Z$",
        });
        NextCursor: json!({ "type": ["string", "null"], "pattern": "^[A-Za-z0-9_.:-]+$" });
        LicenseCode: text("^[0-9A-HJKMNP-TV-Z]{5}(-[0-9A-HJKMNP-TV-Z]{5}){3}$");
        LastFour: text("^[0-9A-HJKMNP-TV-Z]{4}$");
        LicenseStatus: words(&["activated", "payment_required"]);
        MaskedNumber: text(r"^\+[0-9]{1,3}\*{1,12}[0-9]{2}$");
        MessageLanguage: words(&["en", "ko", "de", "fr", "es", "ja"]);
        Units: number(1, 1_530);
        Parts: number(1, 10);
        Sequence: number(1, MAX);
        ValidFrom: to("Date");
        ValidUntil: or_null("Date");
        TypedEmail: json!({ "type": "string", "format": "idn-email", "pattern": r"^[^@/?#%\\]+@[^@/?#%\\]+$" });
        TypedMobile: json!({ "type": "string" });
        TypedCode: json!({ "type": "string" });
        TypedCountries: json!({
            "type": ["array", "null"],
            "minItems": 1,
            "maxItems": 20,
            "uniqueItems": true,
            "items": text("^[A-Za-z]{2}$"),
        });
        LineProblem: json!({
            "type": ["string", "null"],
            "enum": ["malformed-request", "user-exists", "too-many-users", null],
        });
        SiteCreationEntry: entry("site_creation");
        SettingsChangeEntry: entry("settings_change");
        AdministratorChangeEntry: entry("administrator_change");
        SiteDeletionEntry: entry("site_deletion");
        RedemptionEntry: entry("redemption");
        SmsRedemptionEntry: entry("sms_redemption");
        DeviceRegistrationEntry: entry("device_registration");
        DeviceRemovalEntry: entry("device_removal");
        CardIssueEntry: entry("card_issue");
        CardReissueEntry: entry("card_reissue");
        SmsReservationEntry: entry("sms_reservation");
    }
    others {
        Hash: text("^[0-9a-f]{64}$");
        Language: text("^[a-z]{2,3}$");
        SmsCountries: json!({
            "type": "array", "minItems": 1, "maxItems": 20, "uniqueItems": true, "items": to("Country"),
        });
        CodeStanding: words(&["outstanding", "applied", "voided", "expired"]);
        CoveredUntil: or_null("Date");
        Received: object(&[
            ("codes", json!({ "type": "integer", "minimum": 1 })),
            ("credits", json!({ "type": "integer", "minimum": 0 })),
            ("maintenance_credits", json!({ "type": "integer", "minimum": 0 })),
            ("sms", json!({ "type": "integer", "minimum": 0 })),
        ]);
        NextDeduction: object(&[
            ("on", to("Date")),
            ("credits", number(1, 10_000)),
            ("sufficient", json!({ "type": "boolean" })),
        ]);
        Forecast: object(&[
            ("credits_due_30_days", json!({ "type": "integer", "minimum": 0 })),
            ("covered_until", to("CoveredUntil")),
        ]);
        Overdue: object(&[("credits", number(0, 10_000))]);
        IssuedLine: line("issued", number(1, 10_000), &[("by", to("Subject"))]);
        FetchedLine: line("fetched", number(0, 10_000), &[("by", to("Subject"))]);
        VoidedLine: line("voided", number(1, 10_000), &[("by", to("Subject")), ("reason", to("Reason"))]);
        AppliedLine: line("applied", json!({ "const": 1 }), &[
            ("site_id", to("SiteId")),
            ("code_last_four", to("LastFour")),
            ("recharge", to("Recharge")),
        ]);
        CreditsOfCodes: number(0, 10_000_000_000);
        CodeReference: object(&[
            ("code_id", text("^[0-9a-f]{32}$")),
            ("code_last_four", to("LastFour")),
            ("batch_id", to("BatchId")),
            ("partner_id", to("PartnerId")),
        ]);
        AdministratorActor: object(&[("kind", json!({ "const": "administrator" })), ("email", to("Email"))]);
        SystemActor: object(&[("kind", json!({ "const": "system" }))]);
        NothingChanged: changes(&zero(), &zero(), &zero());
        CreditsAdded: changes(&number(0, 1_000_000), &number(0, 1_000_000), &zero());
        SmsAdded: changes(&zero(), &zero(), &json!({
            "type": "integer", "minimum": 50, "maximum": 50_000_000, "multipleOf": 50,
        }));
        CreditsTaken: changes(&taken(10_000, 0), &zero(), &zero());
        CardPaid: changes(&taken(1, 0), &zero(), &zero());
        CardPaidAgain: with(changes(&taken(1, 0), &taken(1, 0), &zero()), "not", json!({
            "properties": { "credits": { "const": -1 }, "maintenance_credits": { "const": -1 } },
        }));
        SmsTaken: changes(&zero(), &zero(), &taken(10, 1));
        SmsGivenBack: changes(&zero(), &zero(), &number(1, 10));
        EverythingTaken: changes(&taken(MAX, 0), &taken(MAX, 0), &taken(MAX, 0));
        Problem: problem();
        GatewayMessage: object(&[("message", json!({ "type": "string" }))]);
        DaysBefore: json!({ "type": "integer", "enum": [28, 7, 1] });
        SmsRefundEntry: entry("sms_refund");
        DeductionEntry: entry("deduction");
        HaltEntry: entry("halt");
        OverdueDeductionEntry: entry("overdue_deduction");
        ResumeEntry: entry("resume");
        WarningEntry: entry("warning");
    }
}

/// What leads to another schema.
#[must_use]
pub fn to(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn or_null(name: &str) -> Value {
    json!({ "anyOf": [to(name), { "type": "null" }] })
}

fn text(pattern: &str) -> Value {
    json!({ "type": "string", "pattern": pattern })
}

fn name(pattern: &str, longest: u32) -> Value {
    json!({ "type": "string", "minLength": 1, "maxLength": longest, "pattern": pattern })
}

fn words(words: &[&str]) -> Value {
    json!({ "type": "string", "enum": words })
}

fn number(minimum: u64, maximum: u64) -> Value {
    json!({ "type": "integer", "minimum": minimum, "maximum": maximum })
}

/// At most `most` and at least `least`, below zero because it is taken.
fn taken(most: u64, least: u64) -> Value {
    json!({ "type": "integer", "minimum": -i128::from(most), "maximum": -i128::from(least) })
}

fn zero() -> Value {
    json!({ "const": 0 })
}

/// An object that has all of these members and no other.
fn object(members: &[(&str, Value)]) -> Value {
    let required: Vec<&str> = members.iter().map(|(name, _)| *name).collect();
    let properties = members
        .iter()
        .map(|(name, of)| ((*name).to_owned(), of.clone()));
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": required,
        "properties": properties.collect::<Map<_, _>>(),
    })
}

fn with(mut schema: Value, name: &str, rule: Value) -> Value {
    schema[name] = rule;
    schema
}

fn changes(credits: &Value, maintenance_credits: &Value, sms: &Value) -> Value {
    object(&[
        ("credits", credits.clone()),
        ("maintenance_credits", maintenance_credits.clone()),
        ("sms", sms.clone()),
    ])
}

/// One of several objects, told apart by their `kind`.
fn one_of(suffix: &str, kinds: &[&str]) -> Value {
    let of = |kind: &&str| to(&named(kind, suffix))["$ref"].clone();
    let mapping = kinds.iter().map(|kind| ((*kind).to_owned(), of(kind)));
    json!({
        "oneOf": kinds.iter().map(|kind| json!({ "$ref": of(kind) })).collect::<Vec<_>>(),
        "discriminator": { "propertyName": "kind", "mapping": mapping.collect::<Map<_, _>>() },
    })
}

/// The name of a schema, such as `SiteCreationEntry` of `site_creation`.
fn named(kind: &str, suffix: &str) -> String {
    let words = kind.split('_').map(|word| {
        let (first, rest) = word.split_at(1);
        first.to_uppercase() + rest
    });
    words.collect::<String>() + suffix
}

/// The kinds of lines of a history.
const LINES: [&str; 4] = ["issued", "fetched", "voided", "applied"];

fn line(kind: &str, codes: Value, more: &[(&str, Value)]) -> Value {
    let mut members = vec![
        ("at", to("Instant")),
        ("batch_id", to("BatchId")),
        ("codes", codes),
        ("credits", to("CreditsOfCodes")),
        ("maintenance_credits", to("CreditsOfCodes")),
        ("kind", json!({ "const": kind })),
    ];
    members.extend_from_slice(more);
    object(&members)
}

/// An entry's kind, what it changes, the status after it, whose doing it was, and what it refers to: member and schema.
type EntryForm = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static [(&'static str, &'static str)],
);

/// The kinds of entries.
const ENTRIES: [EntryForm; 17] = [
    (
        "site_creation",
        "NothingChanged",
        "activated",
        "AdministratorActor",
        &[
            ("name", "Name"),
            ("language", "Language"),
            ("site_type", "SiteType"),
            ("country", "Country"),
            ("time_zone", "TimeZone"),
            ("opened_on", "Date"),
        ],
    ),
    (
        "settings_change",
        "NothingChanged",
        "LicenseStatus",
        "AdministratorActor",
        &[
            ("name", "Name"),
            ("time_zone", "TimeZone"),
            ("language", "Language"),
            ("sms_countries", "SmsCountries"),
        ],
    ),
    (
        "administrator_change",
        "NothingChanged",
        "LicenseStatus",
        "AdministratorActor",
        &[
            ("email", "Email"),
            ("role_before", "Role?"),
            ("role_after", "Role?"),
        ],
    ),
    (
        "site_deletion",
        "EverythingTaken",
        "deleted",
        "AdministratorActor",
        &[("forfeited", "Balances")],
    ),
    (
        "redemption",
        "CreditsAdded",
        "LicenseStatus",
        "AdministratorActor",
        &[("", "CodeReference")],
    ),
    (
        "sms_redemption",
        "SmsAdded",
        "LicenseStatus",
        "AdministratorActor",
        &[("", "CodeReference")],
    ),
    (
        "device_registration",
        "CreditsTaken",
        "activated",
        "AdministratorActor",
        &[("registered_on", "Date"), ("devices", "90")],
    ),
    (
        "device_removal",
        "NothingChanged",
        "LicenseStatus",
        "AdministratorActor",
        &[("device_id", "DeviceId"), ("registered_on", "Date")],
    ),
    (
        "card_issue",
        "CardPaid",
        "activated",
        "AdministratorActor",
        &[("user_id", "UserId"), ("card_id", "CardId")],
    ),
    (
        "card_reissue",
        "CardPaidAgain",
        "activated",
        "AdministratorActor",
        &[
            ("user_id", "UserId"),
            ("card_id", "CardId"),
            ("replaces", "CardId"),
        ],
    ),
    (
        "sms_reservation",
        "SmsTaken",
        "activated",
        "AdministratorActor",
        &[
            ("message_id", "MessageId"),
            ("user_id", "UserId"),
            ("to", "MaskedNumber"),
            ("parts", "Parts"),
        ],
    ),
    (
        "sms_refund",
        "SmsGivenBack",
        "Status",
        "SystemActor",
        &[
            ("message_id", "MessageId"),
            ("parts", "Parts"),
            ("reason", "NotSent"),
        ],
    ),
    (
        "deduction",
        "CreditsTaken",
        "activated",
        "SystemActor",
        &[("due_on", "Date"), ("devices", "10000")],
    ),
    (
        "halt",
        "NothingChanged",
        "payment_required",
        "SystemActor",
        &[("due_on", "Date"), ("devices", "10000")],
    ),
    (
        "overdue_deduction",
        "CreditsTaken",
        "payment_required",
        "SystemActor",
        &[
            ("charged_through", "Date"),
            ("paid_through", "Date"),
            ("devices", "10000"),
        ],
    ),
    (
        "resume",
        "NothingChanged",
        "activated",
        "SystemActor",
        &[("resumed_on", "Date")],
    ),
    (
        "warning",
        "NothingChanged",
        "activated",
        "SystemActor",
        &[
            ("days_before", "DaysBefore"),
            ("falls_short_on", "Date"),
            ("missing", "9007199254740991"),
        ],
    ),
];

/// The schema of an entry of a kind.
fn entry(kind: &str) -> Value {
    let of = |form: &str| match (form.strip_suffix('?'), form.parse()) {
        (Some(name), _) => or_null(name),
        (None, Ok(maximum)) => number(1, maximum),
        (None, Err(_)) if form.starts_with(|c: char| c.is_ascii_lowercase()) => {
            json!({ "const": form })
        }
        (None, Err(_)) => to(form),
    };
    let found = ENTRIES.iter().find(|(name, ..)| *name == kind);
    let Some((kind, changes, status, actor, refers_to)) = found else {
        return Value::Null;
    };
    let refers_to = match refers_to {
        [("", form)] => of(form),
        members => {
            let members: Vec<_> = members
                .iter()
                .map(|(name, form)| (*name, of(form)))
                .collect();
            let mut object = object(&members);
            if *kind == "settings_change" {
                // What was not changed is left out.
                object["required"] = json!([]);
                object["minProperties"] = json!(1);
            }
            object
        }
    };
    object(&[
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
        ("refers_to", refers_to),
        ("changes", to(changes)),
        ("balances", to("Balances")),
        ("status", of(status)),
        ("actor", to(actor)),
        ("previous_hash", to("Hash")),
        ("hash", to("Hash")),
    ])
}

/// The schema of problems: what every problem has, and what some have more.
fn problem() -> Value {
    let code = |code: &ProblemCode| code.as_str();
    let statuses: std::collections::BTreeSet<u16> =
        ProblemCode::ALL.iter().map(|code| code.status()).collect();
    let mut schema = object(&[
        (
            "type",
            json!({ "type": "string", "format": "uri", "pattern": "^urn:site-credits:problem:[a-z-]+$" }),
        ),
        ("title", json!({ "type": "string", "minLength": 1 })),
        ("status", json!({ "type": "integer", "enum": statuses })),
        (
            "code",
            json!({ "type": "string", "enum": ProblemCode::ALL.iter().map(code).collect::<Vec<_>>() }),
        ),
        ("detail", json!({ "type": "string", "minLength": 1 })),
    ]);
    for (name, member) in [
        ("applied_at", to("Instant")),
        ("entry", to("Sequence")),
        ("expires_on", to("Date")),
        ("balances", to("Balances")),
        (
            "device_ids",
            json!({ "type": "array", "minItems": 1, "maxItems": 90, "items": to("DeviceId") }),
        ),
        ("needed", number(1, 90)),
        ("available", number(0, 89)),
        ("place", number(0, 999)),
    ] {
        schema["properties"][name] = member;
    }
    schema["dependentRequired"] = json!({
        "applied_at": ["entry"], "entry": ["applied_at"], "needed": ["available"], "available": ["needed"],
    });
    let statuses = ProblemCode::ALL
        .iter()
        .map(|code| (code.as_str().to_owned(), json!(code.status())));
    schema["x-statuses"] = statuses.collect::<Map<_, _>>().into();
    schema
}

/// What bodies and answers keep to beyond their members, by their names. Rules that hang together stand as conditions: of
/// alternatives that overlap, generators of clients would make types.
#[must_use]
pub fn rules() -> Value {
    let nothing = json!({ "type": "null" });
    json!({
        "NewBatchBody": {
            "not": { "properties": { "credits": { "const": 0 }, "maintenance_credits": { "enum": [0, null] } } },
        },
        "SettingsBody": { "minProperties": 1 },
        "UserChangeBody": { "minProperties": 1 },
        "ImportedLine": {
            "if": { "properties": { "user_id": nothing } },
            "then": { "properties": { "code": { "type": "string" }, "detail": { "type": "string" } } },
            "else": { "properties": { "code": nothing, "detail": nothing } },
        },
        "Message": {
            "if": { "properties": { "state": { "const": "failed" } } },
            "then": { "properties": { "not_sent": { "type": "string" }, "receipt": nothing } },
            "else": {
                "if": { "properties": { "state": { "enum": ["delivered", "undelivered"] } } },
                "then": { "properties": { "not_sent": nothing, "receipt": { "type": "string" } } },
                "else": {
                    // That it was not sent is noted before its SMS are given back, at the latest from the agenda.
                    "if": { "properties": { "state": { "enum": ["reserved", "sent"] } } },
                    "then": { "properties": { "not_sent": nothing, "receipt": nothing } },
                    "else": { "properties": { "receipt": nothing } },
                },
            },
        },
    })
}

/// The parameters of paths, queries and headers, by their names in the contract.
#[must_use]
pub fn parameters() -> Value {
    let path = |name: &str, schema: Value| json!({ "name": name, "in": "path", "required": true, "schema": schema });
    let query =
        |name: &str, schema: Value| json!({ "name": name, "in": "query", "schema": schema });
    // A text that is no ID names nothing, and is answered so.
    let any = || json!({ "type": "string" });
    let uuid = || json!({ "type": "string", "format": "uuid" });
    json!({
        "PartnerId": path("partner_id", to("PartnerId")),
        "BatchId": path("batch_id", uuid()),
        "SiteId": path("site_id", any()),
        "Email": path("email", json!({ "type": "string", "format": "idn-email" })),
        "DeviceId": path("device_id", to("DeviceId")),
        "UserId": path("user_id", to("UserId")),
        "MessageId": path("message_id", uuid()),
        "CardToken": path("token", any()),
        "IdempotencyKey": {
            "name": "Idempotency-Key",
            "in": "header",
            "schema": { "type": "string", "minLength": 1, "maxLength": 100, "pattern": "^[!-~]+$" },
        },
        "From": query("from", to("Date")),
        "To": query("to", to("Date")),
        "Search": query("search", json!({ "type": "string", "minLength": 1, "maxLength": 100 })),
        "Limit": query("limit", json!({ "type": "integer", "minimum": 1, "maximum": 100, "default": 50 })),
        "Cursor": query("cursor", json!({ "type": "string", "minLength": 1 })),
        "Forfeit": query("forfeit", json!({ "type": "boolean", "default": false })),
    })
}
