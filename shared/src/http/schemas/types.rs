//! The schemas of the domain types that appear in requests and answers, by name.

use super::entries::{self, entry};
use super::forms::{
    name, number, object, object_with_optional, one_of, or_null, raw, taken, text, to, with, words,
    zero,
};
use super::history::{LINES, line};
use super::problem::problem;
use crate::commands::{
    AddressedInvitation, AdministratorView, CodeInBatch, InvitationView, OwnInvitation, SiteView,
};
use crate::domain::model::account::HistoryContent;
use crate::domain::model::batch::BatchSum;
use crate::domain::model::card::CardStatus;
use crate::domain::model::code::Recharge;
use crate::domain::model::entry::Entry;
use crate::domain::model::message::{MessageState, NotSent, Template};
use crate::domain::model::site::{Role, SiteType, Status};
use crate::domain::model::user::UserKind;
use crate::domain::rules::license::{License, Overdue, SiteOfPartner};
use crate::domain::values::amount::Balances;
use crate::domain::values::country::Country;
use crate::domain::values::email::Email;
use crate::domain::values::ids::{
    BatchId, CardId, DeviceId, MessageId, PartnerId, PersonId, SiteId, UserId,
};
use crate::domain::values::names::{PersonName, Reason, SiteName, Subject};
use crate::domain::values::parts::Encoding;
use crate::domain::values::phone::Mobile;
use crate::domain::values::time_zone::TimeZone;
use crate::http::words as known;
use serde_json::{Value, json};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;

/// Gives types their names and schemas in the contract. Each schema under `names` has no Rust type, so an empty enum is
/// declared to refer to it by.
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
            /// Stands for the contract's schema of this name.
            #[derive(Debug)]
            pub(in crate::http) enum $name {}

            impl utoipa::PartialSchema for $name {
                fn schema() -> RefOr<Schema> {
                    raw($schema)
                }
            }

            impl utoipa::ToSchema for $name {}
        )*

        /// Every schema of the contract that is neither a body nor an answer, with its name.
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

/// The pattern of a UUID.
const UUID: &str = "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$";
/// The pattern of a text without control characters.
const TEXT: &str = r"^[^\x00-\x1F\x7F-\x9F]+$";
/// The largest balance.
const MAX: u64 = crate::domain::values::amount::MAX_BALANCE;

schemas! {
    types {
        SiteId = "SiteId": text("^[0-9A-HJKMNP-TV-Z]{8,9}$");
        PartnerId = "PartnerId": text("^[A-Za-z0-9_-]{1,64}$");
        BatchId = "BatchId": json!({ "type": "string", "format": "uuid", "pattern": UUID });
        DeviceId = "DeviceId": text("^[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}$");
        UserId = "UserId": text("^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$");
        PersonId = "PersonId": text("^[0-9A-HJKMNP-TV-Z]{16}$");
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
        PersonName = "PersonName": name(r"^[^-=+@－＝＋＠\x00-\x1F\x7F-\x9F][^\x00-\x1F\x7F-\x9F]*$", 100);
        Reason = "Reason": name(TEXT, 100);
        Subject = "Subject": json!({ "type": "string", "minLength": 1, "maxLength": 255 });
        Country = "Country": text("^[A-Z]{2}$");
        TimeZone = "TimeZone": text("^[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*$");
        Mobile = "Mobile": text(r"^\+[0-9]{1,15}$");
        SiteType = "SiteType": words(known::SITE_TYPE);
        Status = "Status": words(&["activated", "payment_required", "deleted"]);
        Role = "Role": words(known::ROLE);
        Recharge = "Recharge": words(known::RECHARGE);
        UserKind = "UserKind": words(known::USER_KIND);
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
        AdministratorView = "Administrator": object_with_optional(
            &[("person", to("PersonId")), ("email", to("Email")), ("role", to("Role"))],
            &["person"],
        );
        InvitationView = "SentInvitation": object(&invitation());
        AddressedInvitation = "Invitation": object(&[vec![("email", to("Email"))], invitation()].concat());
        OwnInvitation = "OwnInvitation": object(&[
            ("site_id", to("SiteId")),
            ("site_name", to("Name")),
            ("country", to("Country")),
            ("role", to("Role")),
            ("sent_at", to("Instant")),
            ("expires_at", to("Instant")),
        ]);
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
            ("sequence", to("Sequence")),
            ("last_hash", to("Hash")),
        ]);
        Overdue = "Overdue": object(&[("credits", number(0, 10_000))]);
        BatchSum = "BatchSum": object(&[
            ("issued", number(0, 10_000)),
            ("not_issued", number(0, 10_000)),
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
        Entry = "Entry": one_of("Entry", &entries::kinds());
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
        TypedEmail: json!({ "type": "string", "minLength": 3, "maxLength": 320 });
        TypedId: json!({ "type": "string", "minLength": 1 });
        TypedMobile: json!({ "type": "string" });
        TypedCode: json!({ "type": "string" });
        TypedCountries: json!({
            "type": "array",
            "minItems": 1,
            "maxItems": 20,
            "uniqueItems": true,
            "items": text("^[A-Za-z]{2}$"),
        });
        LineProblem: json!({
            "anyOf": [words(&["malformed-request", "user-exists", "too-many-users"]), { "type": "null" }],
        });
        SiteCreationEntry: entry("site_creation");
        SettingsChangeEntry: entry("settings_change");
        AdministratorChangeEntry: entry("administrator_change");
        InvitationEntry: entry("invitation");
        InvitationEndEntry: entry("invitation_end");
        RoleEntry: one_of("Entry", &["administrator_change", "invitation"]);
        SiteDeletionEntry: entry("site_deletion");
        RedemptionEntry: entry("redemption");
        SmsRedemptionEntry: entry("sms_redemption");
        DeviceRegistrationEntry: entry("device_registration");
        DeviceRemovalEntry: entry("device_removal");
        DeviceReplacementEntry: entry("device_replacement");
        DeviceRenamingEntry: entry("device_renaming");
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
            ("falls_short", or_null("Shortage")),
        ]);
        Shortage: object(&[("on", to("Date")), ("missing", number(1, 10_000))]);
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
        Form: json!({ "const": 2 });
        AdministratorActor: object_with_optional(
            &[("kind", json!({ "const": "administrator" })), ("person", to("PersonId")), ("email", to("Email"))],
            &["person", "email"],
        );
        OperatorActor: object(&[
            ("kind", json!({ "const": "operator" })),
            ("reference", text("^[A-Za-z0-9_./#-]{1,64}$")),
        ]);
        InvitationActor: one_of("Actor", &["administrator", "operator"]);
        InvitationOutcome: words(&["declined", "withdrawn"]);
        SystemActor: object(&[("kind", json!({ "const": "system" }))]);
        NamedDevice: object(&[("device_id", to("DeviceId")), ("name", to("Name"))]);
        NamedDevices: json!({ "type": "array", "minItems": 1, "maxItems": 90, "items": to("NamedDevice") });
        AnchorDays: anchor_days();
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

/// How many devices of each anchor day, of those that have any.
fn anchor_days() -> Value {
    let days: Vec<String> = (1..=31).map(|day| day.to_string()).collect();
    let days: Vec<&str> = days.iter().map(String::as_str).collect();
    let members: Vec<_> = days.iter().map(|day| (*day, number(1, 10_000))).collect();
    let schema = object_with_optional(&members, &days);
    with(schema, "minProperties", json!(1))
}

/// The members of an invitation beside its address.
fn invitation() -> Vec<(&'static str, Value)> {
    vec![
        ("person", to("PersonId")),
        ("role", to("Role")),
        ("by", or_null("PersonId")),
        ("sent_at", to("Instant")),
        ("expires_at", to("Instant")),
        ("sent", json!({ "type": "integer", "minimum": 1 })),
    ]
}

fn changes(credits: &Value, maintenance_credits: &Value, sms: &Value) -> Value {
    object(&[
        ("credits", credits.clone()),
        ("maintenance_credits", maintenance_credits.clone()),
        ("sms", sms.clone()),
    ])
}
